#if !_endian(little)
#error("model files and stored states have little-endian numbers, which are read and written as they are in memory")
#endif

extension [Float] {
    /// Calls `body` with the numbers as little-endian bytes, without a copy.
    package func withLittleEndianBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try unsafe body(span.bytes)
    }

    /// Creates an array from little-endian bytes.
    ///
    /// - Parameter bytes: Four bytes for each number.
    package init(littleEndianBytes bytes: RawSpan) {
        let count = bytes.byteCount / MemoryLayout<Float>.size
        self = unsafe bytes.withUnsafeBytes { source in
            unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source.prefix(count * MemoryLayout<Float>.size)))
                initialized = count
            }
        }
    }
}

/// Reads integers from bytes that need not be aligned. All numbers on the wire are little-endian.
extension RawSpan {
    /// Returns the integer at `offset`.
    ///
    /// - Precondition: The integer lies within the span; callers check lengths first.
    @inlinable
    @inline(__always)
    package func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= byteCount)
        return T(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension [UInt8] {
    /// Appends an integer, lowest byte first. Allocates memory only if the array must grow.
    @inlinable
    @inline(__always)
    package mutating func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }
}

/// The weights of a model in the layouts that the hot path reads, constant after the model is built.
///
/// The ``Model`` owns and frees the buffer. Each piece starts on a cache line. A vector is padded with zeros to whole
/// cache lines.
@safe
package struct WeightBuffer {
    private static let alignment = 64
    private var pieces: [UnsafeMutableRawPointer]
    /// The kernels, which determine the layouts.
    let kernels: Kernels

    init(kernels: Kernels) {
        unsafe pieces = []
        self.kernels = kernels
    }

    /// Appends a copy of a vector.
    ///
    /// - Parameter values: Shape (n).
    /// - Returns: The copy: n floats, then zeros up to `Kernels.padded(n)`. It lives as long as the buffer.
    mutating func append(_ values: [Float]) -> UnsafePointer<Float> {
        let count = Kernels.padded(max(1, values.count))
        let start = unsafe allocate(count, of: Float.self)
        _ = unsafe UnsafeMutableBufferPointer(start: start, count: values.count).initialize(fromContentsOf: values)
        unsafe (start + values.count).initialize(repeating: 0, count: count - values.count)
        return unsafe UnsafePointer(start)
    }

    /// Appends a copy of a value.
    ///
    /// - Returns: The copy, which lives as long as the buffer.
    mutating func place<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> { unsafe place([value]) }

    /// Appends a copy of an array.
    ///
    /// - Returns: A pointer to the first element of the copy, which lives as long as the buffer.
    mutating func place<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafePointer<Value> {
        let start = unsafe allocate(values.count, of: Value.self)
        for (index, value) in values.enumerated() { unsafe (start + index).initialize(to: value) }
        return unsafe UnsafePointer(start)
    }

    /// Appends uninitialized memory for values of one type.
    private mutating func allocate<Value: BitwiseCopyable>(
        _ count: Int, of type: Value.Type
    ) -> UnsafeMutablePointer<Value> {
        let piece = UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<Value>.stride,
            alignment: max(Self.alignment, MemoryLayout<Value>.alignment))
        unsafe pieces.append(piece)
        return unsafe piece.bindMemory(to: Value.self, capacity: count)
    }

    func deallocate() {
        for index in unsafe pieces.indices {
            unsafe pieces[index].deallocate()
        }
    }
}

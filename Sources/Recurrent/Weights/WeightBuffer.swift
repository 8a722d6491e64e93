/// The weights of a model as the hot path reads them, written once while the model is built and then only read.
///
/// One owner: the ``Model``, which frees them. Each piece begins on a cache line and ends on one, filled up with zeros.
@safe
package struct WeightBuffer {
    private static let alignment = 64
    private var pieces: [UnsafeMutableRawPointer]
    /// The inner loops that the model runs with.
    let kernels: Kernels

    init(kernels: Kernels) {
        unsafe pieces = []
        self.kernels = kernels
    }

    /// Copies a vector in.
    ///
    /// - Parameter values: Shape (n).
    /// - Returns: Where it stands for as long as the buffer lives: n floats, then zeros up to `Kernels.padded(n)`.
    mutating func append(_ values: [Float]) -> UnsafePointer<Float> {
        let count = max(1, values.count)
        return unsafe place(values + repeatElement(0, count: Kernels.padded(count) - values.count))
    }

    /// Copies a value in.
    ///
    /// - Returns: Where it stands for as long as the buffer lives.
    mutating func place<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> { unsafe place([value]) }

    /// Copies values in.
    ///
    /// - Returns: Where the first of them stands, if there is one, and the others behind it, for as long as the buffer lives.
    mutating func place<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafePointer<Value> {
        let piece = UnsafeMutableRawPointer.allocate(
            byteCount: values.count * MemoryLayout<Value>.stride,
            alignment: max(Self.alignment, MemoryLayout<Value>.alignment))
        unsafe pieces.append(piece)
        let start = unsafe piece.bindMemory(to: Value.self, capacity: values.count)
        for (index, value) in values.enumerated() { unsafe (start + index).initialize(to: value) }
        return unsafe UnsafePointer(start)
    }

    func deallocate() {
        for index in unsafe pieces.indices {
            unsafe pieces[index].deallocate()
        }
    }
}

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
        let floats = Kernels.padded(max(1, values.count))
        let piece = UnsafeMutableRawPointer.allocate(
            byteCount: floats * MemoryLayout<Float>.stride, alignment: Self.alignment)
        let start = unsafe piece.initializeMemory(as: Float.self, repeating: 0, count: floats)
        for (index, value) in values.enumerated() { unsafe start[index] = value }
        unsafe pieces.append(piece)
        return unsafe UnsafePointer(start)
    }

    /// Copies a value in.
    ///
    /// - Returns: Where it stands for as long as the buffer lives.
    mutating func place<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> {
        let piece = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Value>.size, alignment: max(Self.alignment, MemoryLayout<Value>.alignment))
        unsafe pieces.append(piece)
        return unsafe UnsafePointer(piece.initializeMemory(as: Value.self, to: value))
    }

    func deallocate() {
        for index in unsafe pieces.indices {
            unsafe pieces[index].deallocate()
        }
    }
}

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
        unsafe append(values, columns: max(1, values.count))
    }

    /// Copies a matrix in, each row filled up with zeros.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, columns), row-major.
    ///   - columns: The length of a row.
    /// - Returns: Where it stands for as long as the buffer lives: rows of `Kernels.padded(columns)` floats.
    mutating func append(_ values: [Float], columns: Int) -> UnsafePointer<Float> {
        let rows = (values.count + columns - 1) / columns
        let stride = Kernels.padded(columns)
        let floats = max(1, rows) * stride
        let piece = UnsafeMutableRawPointer.allocate(
            byteCount: floats * MemoryLayout<Float>.stride, alignment: Self.alignment)
        let start = unsafe piece.initializeMemory(as: Float.self, repeating: 0, count: floats)
        for (index, value) in values.enumerated() {
            unsafe start[index / columns * stride + index % columns] = value
        }
        unsafe pieces.append(piece)
        return unsafe UnsafePointer(start)
    }

    func deallocate() {
        for index in unsafe pieces.indices {
            unsafe pieces[index].deallocate()
        }
    }
}

/// A matrix of weights as the hot path multiplies with it.
@safe
struct WeightMatrix {
    private let rows: Int
    /// Each row's length with the zeros that fill it up.
    private let columns: Int
    /// Shape (rows, columns), row-major.
    private let values: UnsafePointer<Float>
    let kernels: Kernels

    /// Copies a matrix in.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, columns), row-major.
    ///   - columns: The length of a row, at least 1.
    ///   - weights: Where it is kept.
    init(_ values: [Float], columns: Int, in weights: inout WeightBuffer) {
        rows = values.count / columns
        self.columns = Kernels.padded(columns)
        unsafe self.values = weights.append(values, columns: columns)
        kernels = weights.kernels
    }

    /// Copies a weight of two axes in.
    init(_ tensor: Tensor, in weights: inout WeightBuffer) {
        self.init(tensor.values, columns: tensor.shape[1], in: &weights)
    }

    /// `y = b + x·W`.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - b: Shape (columns), padded; may be `y`.
    ///   - y: Shape (columns), with room for the padding. Must not overlap `x`.
    @inline(__always)
    func multiply(_ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
        unsafe kernels.affine(y, b: b, x: x, rows: rows, w: values, columns: columns)
    }
}

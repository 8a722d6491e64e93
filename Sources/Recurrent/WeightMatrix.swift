/// A matrix of weights as the hot path multiplies with it.
@safe
struct WeightMatrix {
    private let rows: Int
    /// Each row's length with the zeros that fill it up.
    private let columns: Int
    /// Shape (rows, columns), row-major.
    private let values: UnsafePointer<Float>
    /// The length of a row without what fills it up.
    private let width: Int
    /// Shape (rows, width), in blocks of ``Kernels/blockWidth``.
    private let blocks: UnsafePointer<Float>
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
        width = columns
        unsafe self.values = weights.append(values, columns: columns)
        unsafe blocks = weights.append(Self.inBlocks(values, columns: columns))
        kernels = weights.kernels
    }

    private static func inBlocks(_ values: [Float], columns: Int) -> [Float] {
        var blocks: [Float] = []
        blocks.reserveCapacity(values.count)
        var column = 0
        var width = Kernels.blockWidth
        while column < columns {
            while column + width > columns { width /= 2 }
            for row in stride(from: 0, to: values.count, by: columns) {
                blocks += values[(row + column)..<(row + column + width)]
            }
            column += width
        }
        return blocks
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

    /// `y = b + x·W` in each lane, with the same bits.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - b: Shape (columns); nil: what `y` holds.
    ///   - y: Shape (columns, lanes). Must not overlap `x`.
    func multiplyLanes(
        _ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affineOfLanes(y, b: b, x: x, rows: rows, w: blocks, columns: width)
    }
}

/// A matrix of weights in two layouts: one for the scalar path, one for the batched path.
@safe
struct WeightMatrix {
    /// A layout for the scalar path.
    enum Layout: Equatable {
        /// Blocks of columns. Each block is ``Kernels/blockWidth`` vectors wide.
        case vectors
        /// One column after another, for at most ``Kernels/maximumDots`` columns.
        case columns
        /// Panels for the kernel of a whole layer with the given number of gates.
        case panels(gates: Int)
    }

    let rows: Int
    /// The length of a row, padded.
    private let columns: Int
    private let layout: Layout
    /// The values in ``layout``.
    let values: UnsafePointer<Float>
    /// The length of a row without padding.
    private let width: Int
    /// The values for the batched path, shape (rows, width), in blocks of ``Kernels/blockWidth`` columns. In the layout
    /// `columns`, this is the same pointer as ``values``.
    private let blocks: UnsafePointer<Float>
    let kernels: Kernels

    /// Copies a matrix into the buffer.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, columns), row-major.
    ///   - columns: The length of a row, at least 1.
    ///   - layout: The layout for the scalar path.
    ///   - weights: The buffer.
    init(_ values: [Float], columns: Int, layout: Layout = .vectors, in weights: inout WeightBuffer) {
        kernels = weights.kernels
        rows = values.count / columns
        width = columns
        self.columns = Kernels.padded(columns)
        self.layout = layout
        switch layout {
        case .vectors:
            let padded = Self.padded(values, columns: columns)
            unsafe self.values = weights.append(
                Self.inBlocks(padded, columns: self.columns, width: kernels.blockWidth * Kernels.padding))
        case .columns:
            unsafe self.values = weights.append(Self.inColumns(values, columns: columns))
            unsafe blocks = self.values
            return
        case .panels(let gates):
            unsafe self.values = weights.append(kernels.panels(of: values, gates: gates, units: columns / gates))
        }
        unsafe blocks = weights.append(Self.inBlocks(values, columns: columns, width: kernels.blockWidth))
    }

    /// Returns the columns one after another, each padded with zeros to a multiple of four.
    private static func inColumns(_ values: [Float], columns: Int) -> [Float] {
        let rows = values.count / columns
        let zeros = repeatElement(Float(0), count: (4 - rows % 4) % 4)
        return (0..<columns).flatMap { column in
            stride(from: column, to: values.count, by: columns).map { values[$0] } + zeros
        }
    }

    /// Pads each row with zeros to whole vectors.
    private static func padded(_ values: [Float], columns: Int) -> [Float] {
        let zeros = repeatElement(Float(0), count: Kernels.padded(columns) - columns)
        return stride(from: 0, to: values.count, by: columns).flatMap { values[$0..<($0 + columns)] + zeros }
    }

    /// Returns the matrix as consecutive blocks of columns, each stored row by row, so that a kernel reads memory in
    /// order. The remaining columns form blocks of half the width, a quarter, and so on.
    private static func inBlocks(_ values: [Float], columns: Int, width: Int) -> [Float] {
        var blocks: [Float] = []
        blocks.reserveCapacity(values.count)
        var column = 0
        var width = width
        while column < columns {
            while column + width > columns { width /= 2 }
            for row in stride(from: 0, to: values.count, by: columns) {
                blocks += values[(row + column)..<(row + column + width)]
            }
            column += width
        }
        return blocks
    }

    /// Copies a weight with two axes into the buffer.
    init(_ tensor: Tensor, layout: Layout = .vectors, in weights: inout WeightBuffer) {
        self.init(tensor.values, columns: tensor.shape[1], layout: layout, in: &weights)
    }

    /// Computes `y = b + x·W`. The matrix must not have the layout `panels`.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (columns), padded. Must not overlap `x` or `b`.
    @inline(__always)
    func multiply(_ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
        if layout == .columns {
            unsafe kernels.dots(y, b: b, x: x, rows: rows, w: values, columns: width)
        } else {
            unsafe kernels.affine(y, b: b, x: x, rows: rows, w: values, h: x, units: 0, u: values, columns: columns)
        }
    }

    /// Computes `y = b + x·W + h·U`. Both matrices must have the layout `vectors`.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - recurrent: U, shape (units, columns).
    ///   - h: Shape (units).
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (columns), padded. Must not overlap any other argument.
    @inline(__always)
    func multiply(
        _ x: UnsafePointer<Float>, and recurrent: WeightMatrix, _ h: UnsafePointer<Float>,
        addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affine(
            y, b: b, x: x, rows: rows, w: values, h: h, units: recurrent.rows, u: recurrent.values, columns: columns)
    }

    /// Computes `y = b + x·W` in each lane, with results bit-identical to ``multiply(_:addedTo:into:)``.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must not overlap `x`.
    func multiplyLanes(
        _ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        if layout == .columns {
            unsafe kernels.dotsLanes(y, b: b, x: x, rows: rows, w: values, columns: width)
        } else {
            unsafe kernels.affineLanes(
                y, b: b, x: x, rows: rows, w: blocks, h: x, units: 0, u: blocks, columns: width)
        }
    }

    /// Whether the layout allows ``multiplySequence(_:steps:addedTo:into:)`` and the weights fit into
    /// ``Kernels/cachedBytes``.
    var canMultiplySequence: Bool {
        layout == .vectors && rows * columns * MemoryLayout<Float>.stride <= kernels.cachedBytes
    }

    /// Computes `y = b + x·W` for a sequence of timesteps, with results bit-identical to ``multiply(_:addedTo:into:)``.
    ///
    /// - Parameters:
    ///   - x: Shape (steps, rows).
    ///   - steps: The number of timesteps.
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (steps, columns). Must not overlap `x` or `b`.
    func multiplySequence(
        _ x: UnsafePointer<Float>, steps: Int, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affineSequence(y, b: b, x: x, steps: steps, rows: rows, w: values, columns: width)
    }

    /// Whether the layout allows ``multiplyRows(_:addedTo:into:)``.
    var canMultiplyRows: Bool { layout == .columns }

    /// Computes `y = b + x·W` in each lane from inputs that are not in a tile. The results are bit-identical to
    /// ``multiply(_:addedTo:into:)``. The matrix must have the layout `columns`.
    ///
    /// - Parameters:
    ///   - x: Shape (lanes, rows).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must not overlap `x`.
    func multiplyRows(
        _ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.dotsRows(y, b: b, x: x, rows: rows, w: values, columns: width)
    }

    /// Computes `y = b + x·W + h·U` in each lane, with results bit-identical to ``multiply(_:and:_:addedTo:into:)``.
    /// Neither matrix may have the layout `columns`.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - recurrent: U, shape (units, columns).
    ///   - h: Shape (units, lanes).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must not overlap any other argument.
    func multiplyLanes(
        _ x: UnsafePointer<Float>, and recurrent: WeightMatrix, _ h: UnsafePointer<Float>,
        addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affineLanes(
            y, b: b, x: x, rows: rows, w: blocks, h: h, units: recurrent.rows, u: recurrent.blocks, columns: width)
    }
}

/// A matrix of weights as the hot path multiplies with it: once for a stream alone, once for many side by side.
@safe
struct WeightMatrix {
    /// How it stands for a stream alone.
    enum Layout: Equatable {
        /// Whole vectors, in blocks of ``Kernels/blockWidth``.
        case vectors
        /// Column by column, for at most ``Kernels/mostDots`` of them.
        case columns
        /// With so many gates' columns in panels, for the kernel of a whole layer.
        case panels(gates: Int)
    }

    let rows: Int
    /// The length of a row with the zeros that fill it up.
    private let columns: Int
    private let layout: Layout
    /// The values in the layout.
    let values: UnsafePointer<Float>
    /// The length of a row without what fills it up.
    private let width: Int
    /// Shape (rows, width), in blocks of ``Kernels/blockWidth`` columns; the values themselves, where those stand in columns.
    private let blocks: UnsafePointer<Float>
    let kernels: Kernels

    /// Copies a matrix in.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, columns), row-major.
    ///   - columns: The length of a row, at least 1.
    ///   - layout: How it stands for a stream alone.
    ///   - weights: Where it is kept.
    init(_ values: [Float], columns: Int, layout: Layout = .vectors, in weights: inout WeightBuffer) {
        kernels = weights.kernels
        rows = values.count / columns
        width = columns
        self.columns = Kernels.padded(columns)
        self.layout = layout
        switch layout {
        case .vectors:
            let filledUp = Self.filledUp(values, columns: columns)
            unsafe self.values = weights.append(
                Self.inBlocks(filledUp, columns: self.columns, width: kernels.blockWidth * Kernels.padding))
        case .columns:
            unsafe self.values = weights.append(Self.inColumns(values, columns: columns))
            unsafe blocks = self.values
            return
        case .panels(let gates):
            unsafe self.values = weights.append(kernels.panels(of: values, gates: gates, units: columns / gates))
        }
        unsafe blocks = weights.append(Self.inBlocks(values, columns: columns, width: kernels.blockWidth))
    }

    /// Puts columns one after another, each filled up with zeros to a multiple of four.
    private static func inColumns(_ values: [Float], columns: Int) -> [Float] {
        let rows = values.count / columns
        let zeros = repeatElement(Float(0), count: (4 - rows % 4) % 4)
        return (0..<columns).flatMap { column in
            stride(from: column, to: values.count, by: columns).map { values[$0] } + zeros
        }
    }

    /// Fills up each row with zeros to whole vectors.
    private static func filledUp(_ values: [Float], columns: Int) -> [Float] {
        let zeros = repeatElement(Float(0), count: Kernels.padded(columns) - columns)
        return stride(from: 0, to: values.count, by: columns).flatMap { values[$0..<($0 + columns)] + zeros }
    }

    /// Puts blocks of columns one after another, each of them row by row, so that a kernel reads them from end to end. What
    /// columns are left over stand in blocks of half the width, a quarter, …
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

    /// Copies a weight of two axes in.
    init(_ tensor: Tensor, layout: Layout = .vectors, in weights: inout WeightBuffer) {
        self.init(tensor.values, columns: tensor.shape[1], layout: layout, in: &weights)
    }

    /// `y = b + x·W`, where the matrix is not in panels.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (columns), with room for the padding. Must not overlap `x` or `b`.
    @inline(__always)
    func multiply(_ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
        if layout == .columns {
            unsafe kernels.dots(y, b: b, x: x, rows: rows, w: values, columns: width)
        } else {
            unsafe kernels.affine(y, b: b, x: x, rows: rows, w: values, h: x, units: 0, u: values, columns: columns)
        }
    }

    /// `y = b + x·W + h·U`, where both matrices stand in vectors.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - recurrent: U, shape (units, columns).
    ///   - h: Shape (units).
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (columns), with room for the padding. Must overlap nothing else.
    @inline(__always)
    func multiply(
        _ x: UnsafePointer<Float>, and recurrent: WeightMatrix, _ h: UnsafePointer<Float>,
        addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affine(
            y, b: b, x: x, rows: rows, w: values, h: h, units: recurrent.rows, u: recurrent.values, columns: columns)
    }

    /// `y = b + x·W` in each lane, with the same bits.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must not overlap `x`.
    func multiplyLanes(
        _ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        if layout == .columns {
            unsafe kernels.dotsOfLanes(y, b: b, x: x, rows: rows, w: values, columns: width)
        } else {
            unsafe kernels.affineOfLanes(
                y, b: b, x: x, rows: rows, w: blocks, h: x, units: 0, u: blocks, columns: width)
        }
    }

    /// Whether ``multiply(_:steps:addedTo:into:)`` can be called, and reads the weights from the nearest cache each time.
    var takesSteps: Bool {
        layout == .vectors && rows * columns * MemoryLayout<Float>.stride <= kernels.cachedBytes
    }

    /// `y = b + x·W` of many timesteps that stand one after another, with the bits of each alone.
    ///
    /// - Parameters:
    ///   - x: Shape (steps, rows).
    ///   - steps: How many timesteps.
    ///   - b: Shape (columns), padded.
    ///   - y: Shape (steps, columns). Must not overlap `x` or `b`.
    func multiply(
        _ x: UnsafePointer<Float>, steps: Int, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affineOfRows(y, b: b, x: x, steps: steps, rows: rows, w: values, columns: width)
    }

    /// Whether ``multiplyRows(_:addedTo:into:)`` can be called.
    var takesRows: Bool { layout == .columns }

    /// `y = b + x·W` in each lane, with the same bits, where the lanes' x stand one after another and the matrix stands in columns.
    ///
    /// - Parameters:
    ///   - x: Shape (lanes, rows).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must not overlap `x`.
    func multiplyRows(
        _ x: UnsafePointer<Float>, addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.dotsOfRows(y, b: b, x: x, rows: rows, w: values, columns: width)
    }

    /// `y = b + x·W + h·U` in each lane, with the same bits, where neither matrix stands in columns.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - recurrent: U, shape (units, columns).
    ///   - h: Shape (units, lanes).
    ///   - b: Shape (columns).
    ///   - y: Shape (columns, lanes). Must overlap nothing else.
    func multiplyLanes(
        _ x: UnsafePointer<Float>, and recurrent: WeightMatrix, _ h: UnsafePointer<Float>,
        addedTo b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
    ) {
        unsafe kernels.affineOfLanes(
            y, b: b, x: x, rows: rows, w: blocks, h: h, units: recurrent.rows, u: recurrent.blocks, columns: width)
    }
}

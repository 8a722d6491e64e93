internal import CKernels

/// The engine's inner loops, in the form that one set of vector instructions runs: see `CKernels.h` for what each computes.
///
/// `@unchecked Sendable`: it points to a constant of the program.
@safe
package struct Kernels: @unchecked Sendable {
    private let functions: UnsafePointer<sluice_kernels>

    /// Those that this machine can run, best first.
    package static let available: [Kernels] = {
        var count: Int32 = 0
        guard let sets = unsafe sluice_kernels_available(&count) else { return [] }
        return (0..<Int(count)).compactMap { index in unsafe sets[index].map { unsafe Kernels(functions: $0) } }
    }()

    /// The best that this machine can run.
    package static let best: Kernels = available[0]

    /// `baseline`, `avx2`, `avx512` or `neon`.
    package var name: String { unsafe String(cString: functions.pointee.name) }

    /// How many floats there must be room for where `count` are written: the vectors are written whole.
    static func padded(_ count: Int) -> Int {
        let padding = Int(SLUICE_KERNELS_PADDING)
        return (count + padding - 1) / padding * padding
    }

    /// Floats past the last that a kernel may read, whatever they are.
    static let padding = Int(SLUICE_KERNELS_PADDING)

    /// `y = b + x·W`.
    ///
    /// - Parameters:
    ///   - y: Shape (columns).
    ///   - b: Shape (columns); may be `y`.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), row-major.
    ///   - columns: A length from ``padded(_:)``.
    @inline(__always)
    func affine(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine(y, b, x, rows, w, columns)
    }

    /// `y = sigmoid(y)`, of `count` floats with room for ``padded(_:)``.
    @inline(__always)
    func sigmoid(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.sigmoid(y, count)
    }

    /// `y = tanh(y)`, of `count` floats with room for ``padded(_:)``.
    @inline(__always)
    func tanh(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.tanh(y, count)
    }

    /// The end of an LSTM's timestep, with its usual activations.
    ///
    /// - Parameters:
    ///   - state: h then c, shape (2 · units).
    ///   - z: The gates, shape (4 · units), with the room of ``lstmScratch(units:)``.
    ///   - units: The width of h and of c.
    @inline(__always)
    func lstm(state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>, units: Int) {
        unsafe functions.pointee.lstm(state, z, units)
    }

    /// Floats of working memory of ``lstm(state:z:units:)``.
    static func lstmScratch(units: Int) -> Int { 4 * units + padding + 2 * (units + padding) }

    /// The end of a GRU's timestep that resets after the recurrent weights, with its usual activations.
    ///
    /// - Parameters:
    ///   - h: Shape (units).
    ///   - a: What the input gives, shape (3 · units), with the room of ``gruScratch(units:)``.
    ///   - b: What the hidden state gives, shape (3 · units), with ``padding``.
    ///   - units: The width of h.
    @inline(__always)
    func gru(h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, units: Int) {
        unsafe functions.pointee.gru(h, a, b, units)
    }

    /// Floats of working memory of ``gru(h:a:b:units:)`` that begin with `a`.
    static func gruScratch(units: Int) -> Int { 3 * units + padding + units + padding }
}

/// Many streams at once, a lane each: see `CKernels.h`.
extension Kernels {
    /// Streams that are stepped at once.
    package var lanes: Int { unsafe functions.pointee.lanes }

    /// Columns in a block of a matrix that ``affineOfLanes(_:b:x:rows:w:columns:)`` takes.
    static let blockWidth = Int(SLUICE_KERNELS_BLOCK)

    /// `y = b + x·W` in each lane.
    ///
    /// - Parameters:
    ///   - y: Shape (columns, lanes).
    ///   - b: Shape (columns); nil: what `y` holds.
    ///   - x: Shape (rows, lanes).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth``.
    ///   - columns: The length of `y`.
    func affineOfLanes(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>?, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine_lanes(y, b, x, rows, w, columns)
    }

    /// Takes a vector of each lane into a tile.
    ///
    /// - Parameters:
    ///   - tile: Shape (count, lanes).
    ///   - rows: Shape (lanes) of vectors of shape (count).
    ///   - count: The length of a vector.
    func gather(
        _ tile: UnsafeMutablePointer<Float>, from rows: UnsafePointer<UnsafePointer<Float>?>, count: Int
    ) {
        unsafe functions.pointee.gather(tile, rows, count)
    }

    /// Puts a tile's values into a vector of each lane. The parameters are those of ``gather(_:from:count:)``.
    func scatter(
        _ tile: UnsafePointer<Float>, to rows: UnsafePointer<UnsafeMutablePointer<Float>?>, count: Int
    ) {
        unsafe functions.pointee.scatter(rows, tile, count)
    }

    /// The lanes whose values are all finite, lane 0 in the lowest bit.
    func finiteLanes(_ tile: UnsafePointer<Float>, count: Int) -> UInt32 {
        unsafe functions.pointee.finite_lanes(tile, count)
    }
}

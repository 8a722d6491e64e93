internal import CKernels

/// The engine's inner loops, in the form that one set of vector instructions runs: see `CKernels.h` for what each computes.
///
/// `@unchecked Sendable`: it points to a constant of the program.
@safe
package struct Kernels: BitwiseCopyable, @unchecked Sendable {
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
        (count + padding - 1) / padding * padding
    }

    /// Floats past the last that a kernel may read, whatever they are.
    static let padding = Int(SLUICE_KERNELS_WIDTH)

    /// `y = b + x·W + h·U`, added up in this order.
    ///
    /// - Parameters:
    ///   - y: Shape (columns).
    ///   - b: Shape (columns).
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth`` vectors.
    ///   - h: Shape (units).
    ///   - units: The length of `h`; 0 where there is no second product.
    ///   - u: Shape (units, columns), in blocks likewise.
    ///   - columns: A length from ``padded(_:)``.
    @inline(__always)
    func affine(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, h: UnsafePointer<Float>, units: Int, u: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine(y, b, x, rows, w, h, units, u, columns)
    }

    /// The most columns of a matrix that ``dots(_:b:x:rows:w:columns:)`` takes.
    static let mostDots = Int(SLUICE_KERNELS_DOTS)

    /// `y = b + x·W`, for few columns.
    ///
    /// - Parameters:
    ///   - y: Shape (columns), with room for ``mostDots``.
    ///   - b: Shape (columns), with room likewise.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (columns, rows), each row filled up with zeros to a multiple of four.
    ///   - columns: The length of `y`, at most ``mostDots``.
    @inline(__always)
    func dots(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots(y, b, x, rows, w, columns)
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

    /// A gated layer's weights in the order in which ``lstm(state:b:x:rows:w:u:units:next:)`` and
    /// ``gru(h:b:recurrentB:x:rows:w:u:units:next:)`` read them.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, gates · units), row-major.
    ///   - gates: How many gates there are.
    ///   - units: The columns of one gate.
    /// - Returns: The panels one after another, filled up with zeros.
    func panels(of values: [Float], gates: Int, units: Int) -> [Float] {
        let rows = values.count / (gates * units)
        let count = unsafe functions.pointee.panels(nil, values, rows, gates, units)
        return unsafe [Float](unsafeUninitializedCapacity: count) { panels, initialized in
            initialized = unsafe functions.pointee.panels(panels.baseAddress, values, rows, gates, units)
        }
    }

    /// An LSTM's timestep, with its usual activations.
    ///
    /// - Parameters:
    ///   - state: h then c, shape (2 · units).
    ///   - b: Shape (1, 4 · units), in panels.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, 4 · units), in panels.
    ///   - u: Shape (units, 4 · units), in panels.
    ///   - units: The width of h and of c.
    ///   - next: Scratch of ``padded(_:)`` units.
    /// - Returns: Whether the state is finite.
    @inline(__always)
    func lstm(
        state: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int, next: UnsafeMutablePointer<Float>
    ) -> Bool {
        unsafe functions.pointee.lstm(state, b, x, rows, w, u, units, next) != 0
    }

    /// Many timesteps of an LSTM, one after another until the state is not finite: as
    /// ``lstm(state:b:x:rows:w:u:units:next:)``, with `x` of shape (steps, rows). h after each goes to `outputs`, shape
    /// (steps, units); ``padding`` floats more may be read.
    ///
    /// - Returns: How many left the state finite; where that is not all of them, one more was taken.
    func lstmOfAll(
        state: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int, outputs: UnsafeMutablePointer<Float>, steps: Int
    ) -> Int {
        unsafe functions.pointee.lstm_all(state, b, x, rows, w, u, units, outputs, steps)
    }

    /// A GRU's timestep that resets after the recurrent weights, with its usual activations.
    ///
    /// - Parameters:
    ///   - h: Shape (units).
    ///   - b: Shape (1, 3 · units), in panels.
    ///   - recurrentB: Shape (1, 3 · units), in panels.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, 3 · units), in panels.
    ///   - u: Shape (units, 3 · units), in panels.
    ///   - units: The width of h.
    ///   - next: Scratch of ``padded(_:)`` units.
    /// - Returns: Whether the state is finite.
    @inline(__always)
    func gru(
        h: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, recurrentB: UnsafePointer<Float>,
        x: UnsafePointer<Float>, rows: Int, w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int,
        next: UnsafeMutablePointer<Float>
    ) -> Bool {
        unsafe functions.pointee.gru(h, b, recurrentB, x, rows, w, u, units, next) != 0
    }

    /// Many timesteps of a GRU, as ``lstmOfAll(state:b:x:rows:w:u:units:outputs:steps:)``.
    func gruOfAll(
        h: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, recurrentB: UnsafePointer<Float>,
        x: UnsafePointer<Float>, rows: Int, w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int,
        outputs: UnsafeMutablePointer<Float>, steps: Int
    ) -> Int {
        unsafe functions.pointee.gru_all(h, b, recurrentB, x, rows, w, u, units, outputs, steps)
    }
}

/// Many streams at once, a lane each: see `CKernels.h`.
extension Kernels {
    /// Streams that are stepped at once.
    package var lanes: Int { Int(SLUICE_KERNELS_WIDTH) }

    /// Bytes of weights that a stream alone reads as fast as it computes with them.
    var cachedBytes: Int { unsafe functions.pointee.cached_bytes }

    /// Columns in a block of a matrix that ``affineOfLanes(_:b:x:rows:w:h:units:u:columns:)`` takes.
    var blockWidth: Int { unsafe functions.pointee.sums }

    /// `y = b + x·W + h·U` in each lane.
    ///
    /// - Parameters:
    ///   - y: Shape (columns, lanes).
    ///   - b: Shape (columns).
    ///   - x: Shape (rows, lanes).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth``.
    ///   - h: Shape (units, lanes).
    ///   - units: The length of `h`; 0 where there is no second product.
    ///   - u: Shape (units, columns), in blocks likewise.
    ///   - columns: The length of `y`.
    func affineOfLanes(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, h: UnsafePointer<Float>, units: Int, u: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine_lanes(y, b, x, rows, w, h, units, u, columns)
    }

    /// ``dots(_:b:x:rows:w:columns:)`` in each lane: x of shape (rows, lanes), y of shape (columns, lanes).
    func dotsOfLanes(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots_lanes(y, b, x, rows, w, columns)
    }

    /// The end of an LSTM's timestep in each lane, with its usual activations.
    ///
    /// - Parameters:
    ///   - state: h then c, shape (2 · units, lanes).
    ///   - z: The gates, shape (4 · units, lanes); overwritten.
    ///   - units: The width of h and of c.
    func lstmOfLanes(state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>, units: Int) {
        unsafe functions.pointee.lstm_lanes(state, z, units * lanes)
    }

    /// The end of the timestep of a GRU that resets after the recurrent weights, in each lane, with its usual activations.
    ///
    /// - Parameters:
    ///   - h: Shape (units, lanes).
    ///   - a: What the input gives, shape (3 · units, lanes); overwritten.
    ///   - b: What the hidden state gives, shape (3 · units, lanes).
    ///   - units: The width of h.
    func gruOfLanes(
        h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, units: Int
    ) {
        unsafe functions.pointee.gru_lanes(h, a, b, units * lanes)
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

/// Many timesteps at once, whose values stand one after another: see `CKernels.h`.
extension Kernels {
    /// `y = b + x·W` of each timestep.
    ///
    /// - Parameters:
    ///   - y: Shape (steps, columns); nothing past it is touched.
    ///   - b: Shape (columns), with room for ``padded(_:)``.
    ///   - x: Shape (steps, rows).
    ///   - steps: How many timesteps.
    ///   - rows: The width of one timestep of `x`.
    ///   - w: As for ``affine(_:b:x:rows:w:h:units:u:columns:)``.
    ///   - columns: The width of one timestep of `y`.
    func affineOfRows(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, steps: Int, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine_rows(y, b, x, steps, rows, w, columns)
    }

    /// ``dotsOfLanes(_:b:x:rows:w:columns:)`` of as many timesteps as there are lanes: x of shape (lanes, rows).
    func dotsOfRows(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots_rows(y, b, x, rows, w, columns)
    }
}

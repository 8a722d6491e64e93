internal import CKernels

/// The engine's inner loops, compiled for one set of vector instructions. `CKernels.h` defines them.
///
/// `@unchecked Sendable`: the pointer refers to constant data.
@safe
package struct Kernels: BitwiseCopyable, @unchecked Sendable {
    let functions: UnsafePointer<sluice_kernels>

    /// The kernel sets that this machine can run, best first.
    package static let available: [Kernels] = {
        var count: Int32 = 0
        guard let sets = unsafe sluice_kernels_available(&count) else { return [] }
        return (0..<Int(count)).compactMap { index in unsafe sets[index].map { unsafe Kernels(functions: $0) } }
    }()

    /// The best kernel set that this machine can run.
    package static let best: Kernels = available[0]

    /// The name of the kernel set: `baseline`, `avx2`, `avx512` or `neon`.
    package var name: String { unsafe String(cString: functions.pointee.name) }

    /// Whether the kernels use fused multiply-adds, which do not round between the product and the sum. Kernel sets that
    /// agree in this compute the same bits.
    package var hasFusedMultiplyAdd: Bool { name != "baseline" }

    /// Returns the number of floats to allocate for `count` outputs. Kernels write whole vectors, so `count` is rounded
    /// up.
    static func padded(_ count: Int) -> Int {
        (count + padding - 1) / padding * padding
    }

    /// The number of floats past the end of a vector that a kernel may read and ignore.
    static let padding = Int(SLUICE_KERNELS_WIDTH)

    /// Computes `y = b + x·W + h·U`, summed in this order.
    ///
    /// - Parameters:
    ///   - y: Shape (columns).
    ///   - b: Shape (columns).
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth`` vectors.
    ///   - h: Shape (units).
    ///   - units: The length of `h`, or 0 to leave out `h·U`.
    ///   - u: Shape (units, columns), in blocks of the same size.
    ///   - columns: The length of `y`, as returned by ``padded(_:)``.
    @inline(__always)
    func affine(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, h: UnsafePointer<Float>, units: Int, u: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine(y, b, x, rows, w, h, units, u, columns)
    }

    /// The maximum number of columns for ``dots(_:b:x:rows:w:columns:)``.
    static let maximumDots = Int(SLUICE_KERNELS_DOTS)

    /// Computes `y = b + x·W` for a small number of columns.
    ///
    /// - Parameters:
    ///   - y: Shape (columns), with room for ``maximumDots``.
    ///   - b: Shape (columns), with room for ``maximumDots``.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (columns, rows), each row padded with zeros to a multiple of four.
    ///   - columns: The length of `y`, at most ``maximumDots``.
    @inline(__always)
    func dots(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots(y, b, x, rows, w, columns)
    }

    /// Computes `y = sigmoid(y)` for `count` floats. `y` must have room for `padded(count)` floats.
    @inline(__always)
    func sigmoid(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.sigmoid(y, count)
    }

    /// Computes `y = tanh(y)` for `count` floats. `y` must have room for `padded(count)` floats.
    @inline(__always)
    func tanh(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.tanh(y, count)
    }

    /// Rearranges a gated layer's weights into the order in which ``lstm(state:b:x:rows:w:u:units:next:)`` and
    /// ``gru(h:b:recurrentB:x:rows:w:u:units:next:)`` read them.
    ///
    /// - Parameters:
    ///   - values: Shape (rows, gates · units), row-major.
    ///   - gates: The number of gates.
    ///   - units: The number of columns per gate.
    /// - Returns: The panels in order, padded with zeros.
    func panels(of values: [Float], gates: Int, units: Int) -> [Float] {
        let rows = values.count / (gates * units)
        let count = unsafe functions.pointee.panels(nil, values, rows, gates, units)
        return unsafe [Float](unsafeUninitializedCapacity: count) { panels, initialized in
            initialized = unsafe functions.pointee.panels(panels.baseAddress, values, rows, gates, units)
        }
    }

    /// Steps an LSTM with default activations through one timestep of one stream.
    ///
    /// - Parameters:
    ///   - state: h then c, shape (2 · units); the step replaces both.
    ///   - b: Shape (1, 4 · units), gates i, f, c, o, in panels.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, 4 · units), gates in the same order, in panels.
    ///   - u: Shape (units, 4 · units), gates in the same order, in panels.
    ///   - units: The width of h and of c.
    ///   - next: Scratch memory with room for `padded(units)` floats.
    /// - Returns: Whether the state is finite.
    @inline(__always)
    func lstm(
        state: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int, next: UnsafeMutablePointer<Float>
    ) -> Bool {
        unsafe functions.pointee.lstm(state, b, x, rows, w, u, units, next) != 0
    }

    /// Steps an LSTM through a sequence of one stream, up to the first timestep that makes the state non-finite.
    ///
    /// The parameters are the same as for ``lstm(state:b:x:rows:w:u:units:next:)``, except that `x` has shape (steps,
    /// rows). `outputs` has shape (steps, units) and receives h after each timestep. The kernel may read ``padding``
    /// floats past the end of `outputs`.
    ///
    /// - Returns: The number of timesteps that left the state finite. If this number is less than `steps`, the kernel
    ///   also stepped the next timestep, which made the state non-finite.
    func lstmSequence(
        state: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int, outputs: UnsafeMutablePointer<Float>, steps: Int
    ) -> Int {
        unsafe functions.pointee.lstm_sequence(state, b, x, rows, w, u, units, outputs, steps)
    }

    /// Steps a GRU through one timestep of one stream. The GRU has default activations and applies the reset gate after
    /// the recurrent weights.
    ///
    /// - Parameters:
    ///   - h: Shape (units); the step replaces it.
    ///   - b: Shape (1, 3 · units), gates z, r, h, in panels.
    ///   - recurrentB: Shape (1, 3 · units), gates in the same order, in panels.
    ///   - x: Shape (rows).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, 3 · units), gates in the same order, in panels.
    ///   - u: Shape (units, 3 · units), gates in the same order, in panels.
    ///   - units: The width of h.
    ///   - next: Scratch memory with room for `padded(units)` floats.
    /// - Returns: Whether the state is finite.
    @inline(__always)
    func gru(
        h: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, recurrentB: UnsafePointer<Float>,
        x: UnsafePointer<Float>, rows: Int, w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int,
        next: UnsafeMutablePointer<Float>
    ) -> Bool {
        unsafe functions.pointee.gru(h, b, recurrentB, x, rows, w, u, units, next) != 0
    }

    /// Steps a GRU through a sequence of one stream, like ``lstmSequence(state:b:x:rows:w:u:units:outputs:steps:)``.
    func gruSequence(
        h: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, recurrentB: UnsafePointer<Float>,
        x: UnsafePointer<Float>, rows: Int, w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int,
        outputs: UnsafeMutablePointer<Float>, steps: Int
    ) -> Int {
        unsafe functions.pointee.gru_sequence(h, b, recurrentB, x, rows, w, u, units, outputs, steps)
    }
}

/// The kernels of the batched path: many streams at once, each in its own lane.
extension Kernels {
    /// The number of streams that the batched path steps at once.
    package var lanes: Int { Int(SLUICE_KERNELS_WIDTH) }

    /// The number of bytes of weights that the scalar path can read without slowing its arithmetic.
    var cachedBytes: Int { unsafe functions.pointee.cached_bytes }

    /// The number of columns in one block of a matrix for ``affineLanes(_:b:x:rows:w:h:units:u:columns:)``. It equals
    /// the number of accumulators.
    var blockWidth: Int { unsafe functions.pointee.accumulators }

    /// Computes `y = b + x·W + h·U` in each lane.
    ///
    /// - Parameters:
    ///   - y: Shape (columns, lanes).
    ///   - b: Shape (columns).
    ///   - x: Shape (rows, lanes).
    ///   - rows: The length of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth``.
    ///   - h: Shape (units, lanes).
    ///   - units: The length of `h`, or 0 to leave out `h·U`.
    ///   - u: Shape (units, columns), in blocks of the same size.
    ///   - columns: The length of `y`.
    func affineLanes(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, h: UnsafePointer<Float>, units: Int, u: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine_lanes(y, b, x, rows, w, h, units, u, columns)
    }

    /// Computes ``dots(_:b:x:rows:w:columns:)`` in each lane. x has shape (rows, lanes), and y has shape (columns,
    /// lanes).
    func dotsLanes(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots_lanes(y, b, x, rows, w, columns)
    }

    /// Computes an LSTM's new state in each lane from the gates' sums, with default activations.
    ///
    /// - Parameters:
    ///   - state: h then c, shape (2 · units, lanes); the step replaces both.
    ///   - z: The sums of the gates i, f, c, o, shape (4 · units, lanes); overwritten.
    ///   - units: The width of h and of c.
    func lstmLanes(state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>, units: Int) {
        unsafe functions.pointee.lstm_lanes(state, z, units * lanes)
    }

    /// Computes a GRU's new state in each lane from the gates' sums. The GRU has default activations and applies the
    /// reset gate after the recurrent weights.
    ///
    /// - Parameters:
    ///   - h: Shape (units, lanes); the step replaces it.
    ///   - a: The input sums x·W + b of the gates z, r, h, shape (3 · units, lanes); overwritten.
    ///   - b: The hidden-state sums h·U + b′ of the same gates, shape (3 · units, lanes).
    ///   - units: The width of h.
    func gruLanes(
        h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, units: Int
    ) {
        unsafe functions.pointee.gru_lanes(h, a, b, units * lanes)
    }

    /// Copies one vector per lane into a tile.
    ///
    /// - Parameters:
    ///   - tile: Shape (count, lanes).
    ///   - rows: Shape (lanes), pointers to vectors of shape (count).
    ///   - count: The length of a vector.
    func gather(
        _ tile: UnsafeMutablePointer<Float>, from rows: UnsafePointer<UnsafePointer<Float>?>, count: Int
    ) {
        unsafe functions.pointee.gather(tile, rows, count)
    }

    /// Copies a tile into one vector per lane. The parameters are the same as for ``gather(_:from:count:)``.
    func scatter(
        _ tile: UnsafePointer<Float>, to rows: UnsafePointer<UnsafeMutablePointer<Float>?>, count: Int
    ) {
        unsafe functions.pointee.scatter(rows, tile, count)
    }

    /// Returns a bit mask of the lanes whose values are all finite. Lane 0 is the lowest bit.
    func finiteLanes(_ tile: UnsafePointer<Float>, count: Int) -> UInt32 {
        unsafe functions.pointee.finite_lanes(tile, count)
    }
}

/// The kernels for many timesteps at once. The timesteps are stored one after another, not in tiles.
extension Kernels {
    /// Computes `y = b + x·W` for each timestep of a sequence.
    ///
    /// - Parameters:
    ///   - y: Shape (steps, columns). The kernel writes nothing past the end.
    ///   - b: Shape (columns), with room for `padded(columns)` floats.
    ///   - x: Shape (steps, rows).
    ///   - steps: The number of timesteps.
    ///   - rows: The width of one timestep of `x`.
    ///   - w: Shape (rows, columns), in blocks of ``blockWidth`` vectors.
    ///   - columns: The width of one timestep of `y`.
    func affineSequence(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, steps: Int, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.affine_sequence(y, b, x, steps, rows, w, columns)
    }

    /// Computes ``dotsLanes(_:b:x:rows:w:columns:)`` from inputs that are not in a tile. x has shape (lanes, rows).
    func dotsRows(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, columns: Int
    ) {
        unsafe functions.pointee.dots_rows(y, b, x, rows, w, columns)
    }
}

internal import CKernels

/// The kernels for training. They process a group of ``lanes`` sequences side by side in tiles, or a single sequence.
/// `CKernels.h` defines the kernels and all shapes.
extension Kernels {
    /// Makes this thread treat denormals (numbers too small for a normal float) as zero. Otherwise, a gradient that
    /// vanishes over a long sequence would make the computation many times slower.
    ///
    /// - Returns: The previous mode, for ``restoreDenormals(_:)``.
    package static func flushDenormals() -> UInt { sluice_flush_denormals() }

    package static func restoreDenormals(_ mode: UInt) { sluice_restore_denormals(mode) }

    /// The kernels for groups with the given number of lanes: ``lanes``, or 1 for a single sequence.
    @inline(__always)
    private func kernels(lanes: Int) -> sluice_lane_kernels {
        unsafe lanes == 1 ? functions.pointee.vectors : functions.pointee.tiles
    }

    /// Computes `y = b + x·W + h·U` in each lane.
    package func affineTiles(
        _ y: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>?, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, h: UnsafePointer<Float>, units: Int, u: UnsafePointer<Float>, columns: Int, lanes: Int
    ) {
        unsafe kernels(lanes: lanes).affine(y, b, x, rows, w, h, units, u, columns)
    }

    /// Computes `x = b + z·Wᵀ` in each lane.
    package func transposedTiles(
        _ x: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>?, z: UnsafePointer<Float>, columns: Int,
        w: UnsafePointer<Float>, rows: Int, lanes: Int
    ) {
        unsafe kernels(lanes: lanes).transposed(x, b, z, columns, w, rows)
    }

    /// Adds to dW the products of `x` and `z`, summed over all timesteps and lanes.
    package func addTileProducts(
        _ dw: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, step xStep: Int, rows: Int,
        z: UnsafePointer<Float>, step zStep: Int, columns: Int, steps: Int, lanes: Int
    ) {
        unsafe kernels(lanes: lanes).add_products(dw, x, xStep, rows, z, zStep, columns, steps)
    }

    /// Adds to db the values of `z`, summed over all timesteps and lanes.
    package func addTileSums(
        _ db: UnsafeMutablePointer<Float>, z: UnsafePointer<Float>, step: Int, columns: Int, steps: Int, lanes: Int
    ) {
        unsafe kernels(lanes: lanes).add_sums(db, z, step, columns, steps)
    }

    /// Computes one timestep of an LSTM, and keeps the gates' values and tanh(c) in z.
    package func lstmTiles(
        z: UnsafeMutablePointer<Float>, b: UnsafePointer<Float>?, x: UnsafePointer<Float>, rows: Int,
        w: UnsafePointer<Float>, u: UnsafePointer<Float>, units: Int, before: UnsafePointer<Float>,
        after: UnsafeMutablePointer<Float>, lanes: Int
    ) {
        unsafe kernels(lanes: lanes).lstm(z, b, x, rows, w, u, units, before, after)
    }

    /// Computes the gradients of the loss with respect to an LSTM's gate sums.
    package func lstmBackTiles(
        z: UnsafeMutablePointer<Float>, before: UnsafePointer<Float>, tanhC: UnsafePointer<Float>,
        dh: UnsafePointer<Float>, dc: UnsafeMutablePointer<Float>, count: Int
    ) {
        unsafe functions.pointee.lstm_back_tiles(z, before, tanhC, dh, dc, count)
    }

    /// Computes a GRU's new state from the gates' sums.
    package func gruTiles(
        a: UnsafeMutablePointer<Float>, s: UnsafePointer<Float>, before: UnsafePointer<Float>,
        h: UnsafeMutablePointer<Float>, count: Int
    ) {
        unsafe functions.pointee.gru_tiles(a, s, before, h, count)
    }

    /// Computes the gradients of the loss with respect to a GRU's gate sums.
    package func gruBackTiles(
        a: UnsafeMutablePointer<Float>, s: UnsafeMutablePointer<Float>, before: UnsafePointer<Float>,
        dh: UnsafeMutablePointer<Float>, count: Int
    ) {
        unsafe functions.pointee.gru_back_tiles(a, s, before, dh, count)
    }

    /// Computes one update of Adam.
    package func adam(
        _ w: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, m: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>, count: Int, alpha: Float, first: Float, second: Float, epsilon: Float
    ) {
        unsafe functions.pointee.adam(w, gradient, m, v, count, alpha, first, second, epsilon)
    }

    /// Computes `y = sigmoid(y)` for exactly `count` floats.
    package func sigmoidTiles(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.sigmoid_tiles(y, count)
    }

    /// Computes `y = tanh(y)` for exactly `count` floats.
    package func tanhTiles(_ y: UnsafeMutablePointer<Float>, count: Int) {
        unsafe functions.pointee.tanh_tiles(y, count)
    }

    /// Multiplies by a factor.
    ///
    /// - Returns: Whether all products are finite.
    package func scale(_ y: UnsafeMutablePointer<Float>, by factor: Float, count: Int) -> Bool {
        unsafe functions.pointee.scale(y, factor, count) != 0
    }
}

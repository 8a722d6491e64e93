package import Recurrent

/// Single-precision arithmetic on tiles, computed by the engine's kernels.
package struct KernelTiles: TileArithmetic {
    private let kernels: Kernels
    package let lanes: Int

    /// Creates the arithmetic. `lanes` is the number of the kernels' lanes, or 1.
    package init(_ kernels: Kernels = .best, lanes: Int) {
        precondition(lanes == kernels.lanes || lanes == 1)
        self.kernels = kernels
        self.lanes = lanes
    }

    package func affine(
        _ y: Values<Float>, b: Values<Float>?, x: Values<Float>, rows: Int, w: Values<Float>, h: Values<Float>,
        units: Int, u: Values<Float>, columns: Int
    ) {
        unsafe kernels.affineTiles(
            y.start, b: b?.start, x: x.start, rows: rows, w: w.start, h: h.start, units: units, u: u.start,
            columns: columns, lanes: lanes)
    }

    package func transposed(
        _ x: Values<Float>, b: Values<Float>?, z: Values<Float>, columns: Int, w: Values<Float>, rows: Int
    ) {
        unsafe kernels.transposedTiles(
            x.start, b: b?.start, z: z.start, columns: columns, w: w.start, rows: rows,
            lanes: lanes)
    }

    package func addProducts(
        _ dw: Values<Float>, x: Values<Float>, xStep: Int, rows: Int, z: Values<Float>, zStep: Int, columns: Int,
        steps: Int
    ) {
        unsafe kernels.addTileProducts(
            dw.start, x: x.start, step: xStep, rows: rows, z: z.start, step: zStep, columns: columns, steps: steps,
            lanes: lanes)
    }

    package func addSums(_ db: Values<Float>, z: Values<Float>, zStep: Int, columns: Int, steps: Int) {
        unsafe kernels.addTileSums(
            db.start, z: z.start, step: zStep, columns: columns, steps: steps, lanes: lanes)
    }

    package func sigmoid(_ y: Values<Float>, count: Int) { unsafe kernels.sigmoidTiles(y.start, count: count) }

    package func tanh(_ y: Values<Float>, count: Int) { unsafe kernels.tanhTiles(y.start, count: count) }

    package func lstm(
        z: Values<Float>, b: Values<Float>?, x: Values<Float>, rows: Int, w: Values<Float>, u: Values<Float>,
        units: Int, before: Values<Float>, after: Values<Float>
    ) {
        unsafe kernels.lstmTiles(
            z: z.start, b: b?.start, x: x.start, rows: rows, w: w.start, u: u.start, units: units,
            before: before.start, after: after.start, lanes: lanes)
    }

    package func lstmBack(
        z: Values<Float>, before: Values<Float>, tanhC: Values<Float>, dh: Values<Float>, dc: Values<Float>, count: Int
    ) {
        unsafe kernels.lstmBackTiles(
            z: z.start, before: before.start, tanhC: tanhC.start, dh: dh.start, dc: dc.start, count: count)
    }

    package func gru(a: Values<Float>, s: Values<Float>, before: Values<Float>, h: Values<Float>, count: Int) {
        unsafe kernels.gruTiles(a: a.start, s: s.start, before: before.start, h: h.start, count: count)
    }

    package func gruBack(a: Values<Float>, s: Values<Float>, before: Values<Float>, dh: Values<Float>, count: Int) {
        unsafe kernels.gruBackTiles(a: a.start, s: s.start, before: before.start, dh: dh.start, count: count)
    }

    package func scale(_ y: Values<Float>, by factor: Float, count: Int) -> Bool {
        unsafe kernels.scale(y.start, by: factor, count: count)
    }

    package func adam(
        _ w: Values<Float>, gradient g: Values<Float>, m: Values<Float>, v: Values<Float>, count: Int, alpha: Float,
        first: Float, second: Float, epsilon: Float
    ) {
        unsafe kernels.adam(
            w.start, gradient: g.start, m: m.start, v: v.start, count: count, alpha: alpha, first: first,
            second: second, epsilon: epsilon)
    }
}

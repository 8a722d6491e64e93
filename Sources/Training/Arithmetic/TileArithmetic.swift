package import Recurrent

/// The arithmetic on tiles, from which the passes of all layers are built. A tile holds the values of a group of
/// sequences: row k holds value k of each sequence, one per lane.
///
/// ``PlainTiles`` implements this protocol with plain loops, for any scalar type. It is the reference for
/// ``KernelTiles`` and, in double precision, for the gradients. Matrices are row-major. `count` is units · lanes.
package protocol TileArithmetic: Sendable {
    associatedtype Scalar: ReferenceScalar

    /// The number of lanes: ``Tile/lanes``, or 1 for a single sequence.
    var lanes: Int { get }

    /// Computes `y = b + x·W + h·U` in each lane.
    ///
    /// - Parameters:
    ///   - y: Shape (columns, lanes).
    ///   - b: Shape (columns); nil for zeros.
    ///   - x: Shape (rows, lanes).
    ///   - rows: The length of x.
    ///   - w: Shape (rows, columns).
    ///   - h: Shape (units, lanes).
    ///   - units: The length of h, or 0 to leave out `h·U`.
    ///   - u: Shape (units, columns).
    ///   - columns: The length of y.
    func affine(
        _ y: Values<Scalar>, b: Values<Scalar>?, x: Values<Scalar>, rows: Int, w: Values<Scalar>, h: Values<Scalar>,
        units: Int, u: Values<Scalar>, columns: Int)

    /// Computes `x = b + z·Wᵀ` in each lane. If z is the gradient of a layer's output, `z·Wᵀ` is the gradient of the
    /// layer's input.
    ///
    /// - Parameters:
    ///   - x: Shape (rows, lanes).
    ///   - b: Shape (rows, lanes); nil for zeros. It may be the same buffer as x.
    ///   - z: Shape (columns, lanes).
    ///   - columns: The length of z.
    ///   - w: Shape (rows, columns).
    ///   - rows: The length of x.
    func transposed(
        _ x: Values<Scalar>, b: Values<Scalar>?, z: Values<Scalar>, columns: Int, w: Values<Scalar>, rows: Int)

    /// Computes `dW += Σ xᵀ·z` over all timesteps and lanes.
    ///
    /// - Parameters:
    ///   - dw: Shape (rows, columns).
    ///   - x: Shape (steps, rows, lanes).
    ///   - xStep: The distance from one timestep of x to the next, in values; may be negative.
    ///   - rows: The length of a timestep of x.
    ///   - z: Shape (steps, columns, lanes).
    ///   - zStep: The distance from one timestep of z to the next, in values.
    ///   - columns: The length of a timestep of z.
    ///   - steps: The number of timesteps.
    func addProducts(
        _ dw: Values<Scalar>, x: Values<Scalar>, xStep: Int, rows: Int, z: Values<Scalar>, zStep: Int, columns: Int,
        steps: Int)

    /// Computes `db += Σ z` over all timesteps and lanes.
    func addSums(_ db: Values<Scalar>, z: Values<Scalar>, zStep: Int, columns: Int, steps: Int)

    /// Computes `y = σ(y)`.
    func sigmoid(_ y: Values<Scalar>, count: Int)

    /// Computes `y = tanh(y)`.
    func tanh(_ y: Values<Scalar>, count: Int)

    /// Computes one timestep of an LSTM. The four gates i, f, c, o have the sums `z = b + x·W + h·U`.
    ///
    ///     c = σ(zf) ⊙ c + σ(zi) ⊙ tanh(zc)
    ///     h = σ(zo) ⊙ tanh(c)
    ///
    /// - Parameters:
    ///   - z: Receives the gates' values, then tanh(c), shape (5 · units, lanes).
    ///   - b: Shape (4 · units); nil for zeros.
    ///   - x: Shape (rows, lanes).
    ///   - rows: The length of x.
    ///   - w: Shape (rows, 4 · units).
    ///   - u: Shape (units, 4 · units).
    ///   - units: The number of units.
    ///   - before: The state before the timestep, h then c, shape (2 · units, lanes).
    ///   - after: Receives the state after the timestep.
    func lstm(
        z: Values<Scalar>, b: Values<Scalar>?, x: Values<Scalar>, rows: Int, w: Values<Scalar>, u: Values<Scalar>,
        units: Int, before: Values<Scalar>, after: Values<Scalar>)

    /// Computes the gradients of an LSTM's sums from dh and dc, the gradients of the new state. The gradients of the
    /// sums replace the gates' values in z. dc is replaced with the gradient of the previous cell state.
    ///
    ///     dc += dh ⊙ o ⊙ (1 − tanh²(c))
    ///     dzi = dc ⊙ g ⊙ i ⊙ (1 − i)
    ///     dzf = dc ⊙ before ⊙ f ⊙ (1 − f)
    ///     dzc = dc ⊙ i ⊙ (1 − g²)
    ///     dzo = dh ⊙ tanh(c) ⊙ o ⊙ (1 − o)
    ///     dc  = dc ⊙ f
    func lstmBack(
        z: Values<Scalar>, before: Values<Scalar>, tanhC: Values<Scalar>, dh: Values<Scalar>, dc: Values<Scalar>,
        count: Int)

    /// Computes a GRU's new state from the sums of the gates z, r, h. a holds the input sums, which are replaced with
    /// the gates' values. s holds the hidden-state sums.
    ///
    ///     g = tanh(ah + r ⊙ sh)
    ///     h = z ⊙ before + (1 − z) ⊙ g
    func gru(a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, h: Values<Scalar>, count: Int)

    /// Computes the gradients of a GRU's sums from dh, the gradient of the new state. The gradients of the input sums
    /// replace the gates' values in a. The gradients of the hidden-state sums replace s. dh is replaced with the part
    /// of the previous state's gradient that does not pass through the sums.
    ///
    ///     dz = dh ⊙ (before − g) ⊙ z ⊙ (1 − z)
    ///     dg = dh ⊙ (1 − z) ⊙ (1 − g²)
    ///     dr = dg ⊙ sh ⊙ r ⊙ (1 − r)
    ///     da = dz, dr, dg
    ///     ds = dz, dr, dg ⊙ r
    ///     dh = dh ⊙ z
    func gruBack(a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, dh: Values<Scalar>, count: Int)

    /// Multiplies by a factor.
    ///
    /// - Returns: Whether all products are finite.
    func scale(_ y: Values<Scalar>, by factor: Scalar, count: Int) -> Bool

    /// Computes one update of Adam for `count` weights. `first` is 1 − β₁, and `second` is 1 − β₂.
    ///
    ///     m += (g − m) first
    ///     v += (g² − v) second
    ///     w −= α m / (√v + ε)
    func adam(
        _ w: Values<Scalar>, gradient g: Values<Scalar>, m: Values<Scalar>, v: Values<Scalar>, count: Int,
        alpha: Scalar, first: Scalar, second: Scalar, epsilon: Scalar)
}

/// The arithmetic as plain loops, for any scalar type.
package struct PlainTiles<Scalar: ReferenceScalar>: TileArithmetic {
    package let lanes: Int

    package init(lanes: Int) { self.lanes = lanes }

    package func affine(
        _ y: Values<Scalar>, b: Values<Scalar>?, x: Values<Scalar>, rows: Int, w: Values<Scalar>, h: Values<Scalar>,
        units: Int, u: Values<Scalar>, columns: Int
    ) {
        for column in 0..<columns {
            for lane in 0..<lanes {
                var sum = b?[column] ?? 0
                for row in 0..<rows { sum += x[row * lanes + lane] * w[row * columns + column] }
                for row in 0..<units { sum += h[row * lanes + lane] * u[row * columns + column] }
                y[column * lanes + lane] = sum
            }
        }
    }

    package func transposed(
        _ x: Values<Scalar>, b: Values<Scalar>?, z: Values<Scalar>, columns: Int, w: Values<Scalar>, rows: Int
    ) {
        for row in 0..<rows {
            for lane in 0..<lanes {
                var sum = b?[row * lanes + lane] ?? 0
                for column in 0..<columns { sum += z[column * lanes + lane] * w[row * columns + column] }
                x[row * lanes + lane] = sum
            }
        }
    }

    package func addProducts(
        _ dw: Values<Scalar>, x: Values<Scalar>, xStep: Int, rows: Int, z: Values<Scalar>, zStep: Int, columns: Int,
        steps: Int
    ) {
        for row in 0..<rows {
            for column in 0..<columns {
                var sum: Scalar = 0
                for t in 0..<steps {
                    let x = x + (t * xStep + row * lanes)
                    let z = z + (t * zStep + column * lanes)
                    for lane in 0..<lanes { sum += x[lane] * z[lane] }
                }
                dw[row * columns + column] += sum
            }
        }
    }

    package func addSums(_ db: Values<Scalar>, z: Values<Scalar>, zStep: Int, columns: Int, steps: Int) {
        for column in 0..<columns {
            var sum: Scalar = 0
            for t in 0..<steps {
                for lane in 0..<lanes { sum += z[t * zStep + column * lanes + lane] }
            }
            db[column] += sum
        }
    }

    package func sigmoid(_ y: Values<Scalar>, count: Int) {
        for k in 0..<count { y[k] = Scalar.sigmoid(y[k]) }
    }

    package func tanh(_ y: Values<Scalar>, count: Int) {
        for k in 0..<count { y[k] = Scalar.tanh(y[k]) }
    }

    package func lstm(
        z: Values<Scalar>, b: Values<Scalar>?, x: Values<Scalar>, rows: Int, w: Values<Scalar>, u: Values<Scalar>,
        units: Int, before: Values<Scalar>, after: Values<Scalar>
    ) {
        affine(z, b: b, x: x, rows: rows, w: w, h: before, units: units, u: u, columns: 4 * units)
        let count = units * lanes
        let (i, f, g, o, tanhC) = (z, z + count, z + 2 * count, z + 3 * count, z + 4 * count)
        let (h, c) = (after, after + count)
        for k in 0..<count {
            i[k] = Scalar.sigmoid(i[k])
            f[k] = Scalar.sigmoid(f[k])
            g[k] = Scalar.tanh(g[k])
            o[k] = Scalar.sigmoid(o[k])
            c[k] = f[k] * before[count + k] + i[k] * g[k]
            tanhC[k] = Scalar.tanh(c[k])
            h[k] = o[k] * tanhC[k]
        }
    }

    package func lstmBack(
        z: Values<Scalar>, before: Values<Scalar>, tanhC: Values<Scalar>, dh: Values<Scalar>, dc: Values<Scalar>,
        count: Int
    ) {
        let (i, f, g, o) = (z, z + count, z + 2 * count, z + 3 * count)
        for k in 0..<count {
            let (ik, fk, gk, ok, t) = (i[k], f[k], g[k], o[k], tanhC[k])
            let cell = dc[k] + dh[k] * ok * (1 - t * t)
            i[k] = cell * gk * ik * (1 - ik)
            f[k] = cell * before[k] * fk * (1 - fk)
            g[k] = cell * ik * (1 - gk * gk)
            o[k] = dh[k] * t * ok * (1 - ok)
            dc[k] = cell * fk
        }
    }

    package func gru(a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, h: Values<Scalar>, count: Int) {
        let (z, r, g) = (a, a + count, a + 2 * count)
        for k in 0..<count {
            z[k] = Scalar.sigmoid(z[k] + s[k])
            r[k] = Scalar.sigmoid(r[k] + s[count + k])
            g[k] = Scalar.tanh(g[k] + r[k] * s[2 * count + k])
            h[k] = z[k] * before[k] + (1 - z[k]) * g[k]
        }
    }

    package func gruBack(
        a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, dh: Values<Scalar>, count: Int
    ) {
        let (z, r, g) = (a, a + count, a + 2 * count)
        for k in 0..<count {
            let (zk, rk, gk, sum) = (z[k], r[k], g[k], s[2 * count + k])
            z[k] = dh[k] * (before[k] - gk) * zk * (1 - zk)
            g[k] = dh[k] * (1 - zk) * (1 - gk * gk)
            r[k] = g[k] * sum * rk * (1 - rk)
            s[k] = z[k]
            s[count + k] = r[k]
            s[2 * count + k] = g[k] * rk
            dh[k] *= zk
        }
    }

    package func scale(_ y: Values<Scalar>, by factor: Scalar, count: Int) -> Bool {
        for k in 0..<count { y[k] *= factor }
        return (0..<count).allSatisfy { y[$0].isFinite }
    }

    package func adam(
        _ w: Values<Scalar>, gradient g: Values<Scalar>, m: Values<Scalar>, v: Values<Scalar>, count: Int,
        alpha: Scalar, first: Scalar, second: Scalar, epsilon: Scalar
    ) {
        for k in 0..<count {
            m[k] += (g[k] - m[k]) * first
            v[k] += (g[k] * g[k] - v[k]) * second
            w[k] -= alpha * m[k] / (v[k].squareRoot() + epsilon)
        }
    }
}

import Recurrent

/// A ``GRU``'s timestep and its gradients. ``ReferenceGRU`` states the equations, and ``TileArithmetic`` states their
/// derivatives.
///
///     dh = dh ⊙ z + ds·Uᵀ
///     dx = da·Wᵀ
///     dW = Σ xᵀ·da
///     dU = Σ hᵀ·ds
///     db = Σ da
///     db′ = Σ ds
///
/// If the reset gate acts before the recurrent weights, the candidate's recurrent input is p = r ⊙ h instead of h, and
/// there is only one bias:
///
///     dp = dg·Uhᵀ
///     dr = dp ⊙ h ⊙ σ′
///     dh = dh ⊙ z + dp ⊙ r + dz·Uzᵀ + dr·Urᵀ
///     dUh = Σ pᵀ·dg
///
/// The kept values are the gates z, r, g and the hidden-state sums s, shape (3 · units, lanes) each. With options other
/// than Keras' defaults, the gates' sums and p follow.
struct GRUCell<Arithmetic: TileArithmetic>: RecurrentCell {
    typealias Scalar = Arithmetic.Scalar

    let features: Int
    let units: Int
    let hasBias: Bool
    let activation: Activation
    let recurrentActivation: Activation
    let resetsAfter: Bool
    /// Whether the options are Keras' defaults, for which there are kernels.
    private let isDefault: Bool
    let arithmetic: Arithmetic

    /// Creates the cell.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - features: The width of the input, which may differ from the layer's own.
    ///   - arithmetic: The arithmetic.
    init(_ layer: GRU, features: Int, _ arithmetic: Arithmetic) {
        self.features = features
        units = layer.units
        hasBias = layer.bias != nil
        activation = layer.activation
        recurrentActivation = layer.recurrentActivation
        resetsAfter = layer.resetsAfter
        isDefault = resetsAfter && activation == .tanh && recurrentActivation == .sigmoid
        self.arithmetic = arithmetic
    }

    var lanes: Int { arithmetic.lanes }
    var parts: Int { 1 }
    var kept: Int { isDefault ? 6 * units : 10 * units }

    private var count: Int { units * lanes }
    private var width: Int { 3 * units }
    private var recurrentOffset: Int { features * width }
    private var biasOffset: Int { recurrentOffset + units * width }
    private var recurrentBiasOffset: Int { biasOffset + width }

    func step(
        _ x: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept a: Values<Scalar>,
        weights: Values<Scalar>
    ) {
        let s = a + 3 * count
        arithmetic.affine(
            a, b: hasBias ? weights + biasOffset : nil, x: x, rows: features, w: weights, h: x, units: 0, u: weights,
            columns: width)
        arithmetic.affine(
            s, b: hasBias && resetsAfter ? weights + recurrentBiasOffset : nil, x: before, rows: units,
            w: weights + recurrentOffset, h: before, units: 0, u: weights, columns: width)
        if isDefault {
            arithmetic.gru(a: a, s: s, before: before, h: after, count: count)
        } else {
            genericStep(a, s: s, before: before, h: after, u: weights + recurrentOffset)
        }
    }

    private func genericStep(
        _ a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, h: Values<Scalar>, u: Values<Scalar>
    ) {
        let (z, r, g) = (a, a + count, a + 2 * count)
        let (sums, p) = (a + 6 * count, a + 9 * count)
        for k in 0..<2 * count { a[k] += s[k] }
        sums.copy(a, count: 2 * count)
        recurrentActivation.apply(a, count: 2 * count, arithmetic)
        if resetsAfter {
            for k in 0..<count { g[k] += r[k] * s[2 * count + k] }
        } else {
            for k in 0..<count { p[k] = r[k] * before[k] }
            for unit in 0..<units {
                for row in 0..<units {
                    let weight = u[row * width + 2 * units + unit]
                    for lane in 0..<lanes { g[unit * lanes + lane] += p[row * lanes + lane] * weight }
                }
            }
        }
        (sums + 2 * count).copy(g, count: count)
        activation.apply(g, count: count, arithmetic)
        for k in 0..<count { h[k] = z[k] * before[k] + (1 - z[k]) * g[k] }
    }

    func stepBack(
        _ dh: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept a: Values<Scalar>,
        dx: Values<Scalar>?, isFirst: Bool, weights: Values<Scalar>
    ) {
        let s = a + 3 * count
        let u = weights + recurrentOffset
        if isDefault {
            arithmetic.gruBack(a: a, s: s, before: before, dh: dh, count: count)
        } else {
            genericBack(a, s: s, before: before, dh: dh, u: u)
        }
        if !isFirst { arithmetic.transposed(dh, b: dh, z: s, columns: width, w: u, rows: units) }
        if let dx { arithmetic.transposed(dx, b: nil, z: a, columns: width, w: weights, rows: features) }
    }

    /// Computes da, ds, and the part of dh that does not pass through ds. If the reset gate acts before the recurrent
    /// weights, the candidate's part of ds is zero.
    private func genericBack(
        _ a: Values<Scalar>, s: Values<Scalar>, before: Values<Scalar>, dh: Values<Scalar>, u: Values<Scalar>
    ) {
        let (z, r, g, sums) = (a, a + count, a + 2 * count, a + 6 * count)
        for k in 0..<count {
            let (zk, gk) = (z[k], g[k])
            z[k] = dh[k] * (before[k] - gk) * recurrentActivation.slope(x: sums[k], y: zk)
            g[k] = dh[k] * (1 - zk) * activation.slope(x: sums[2 * count + k], y: gk)
            dh[k] *= zk
        }
        for unit in 0..<units {
            for lane in 0..<lanes {
                let k = unit * lanes + lane
                let slope = recurrentActivation.slope(x: sums[count + k], y: r[k])
                if resetsAfter {
                    let sum = s[2 * count + k]
                    s[2 * count + k] = g[k] * r[k]
                    r[k] = g[k] * sum * slope
                } else {
                    var dp: Scalar = 0
                    for column in 0..<units { dp += g[column * lanes + lane] * u[unit * width + 2 * units + column] }
                    dh[k] += dp * r[k]
                    s[2 * count + k] = 0
                    r[k] = dp * before[k] * slope
                }
            }
        }
        s.copy(a, count: 2 * count)
    }

    func addGradient(
        _ gradient: Values<Scalar>, x: Values<Scalar>, xStep: Int, before: Values<Scalar>, kept a: Values<Scalar>,
        steps: Int
    ) {
        let zStep = kept * lanes
        let s = a + 3 * count
        let du = gradient + recurrentOffset
        arithmetic.addProducts(
            gradient, x: x, xStep: xStep, rows: features, z: a, zStep: zStep, columns: width, steps: steps)
        arithmetic.addProducts(
            du, x: before, xStep: count, rows: units, z: s, zStep: zStep, columns: width, steps: steps)
        if !resetsAfter { addCandidateGradient(du, a: a, steps: steps) }
        guard hasBias else { return }
        arithmetic.addSums(gradient + biasOffset, z: a, zStep: zStep, columns: width, steps: steps)
        if resetsAfter {
            arithmetic.addSums(gradient + recurrentBiasOffset, z: s, zStep: zStep, columns: width, steps: steps)
        }
    }

    /// Adds dUh = Σ pᵀ·dg.
    private func addCandidateGradient(_ du: Values<Scalar>, a: Values<Scalar>, steps: Int) {
        for row in 0..<units {
            for column in 0..<units {
                var sum: Scalar = 0
                for t in 0..<steps {
                    let at = a + t * kept * lanes
                    let (p, g) = (at + (9 * count + row * lanes), at + (2 * count + column * lanes))
                    for lane in 0..<lanes { sum += p[lane] * g[lane] }
                }
                du[row * width + 2 * units + column] += sum
            }
        }
    }
}

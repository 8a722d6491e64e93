import Recurrent

/// An ``LSTM``'s timestep and its gradients. ``ReferenceLSTM`` states the equations, and ``TileArithmetic`` states
/// their derivatives.
///
///     dh = dz·Uᵀ
///     dx = dz·Wᵀ
///     dW = Σ xᵀ·dz
///     dU = Σ hᵀ·dz
///     db = Σ dz
///
/// The kept values are the gates i, f, g, o, shape (4 · units, lanes), and tanh(c). With other activations, the gates'
/// sums follow.
struct LSTMCell<Arithmetic: TileArithmetic>: RecurrentCell {
    typealias Scalar = Arithmetic.Scalar

    let features: Int
    let units: Int
    let hasBias: Bool
    let activation: Activation
    let recurrentActivation: Activation
    /// Whether the activations are Keras' defaults, for which there are kernels.
    private let isDefault: Bool
    let arithmetic: Arithmetic

    /// Creates the cell.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - features: The width of the input, which may differ from the layer's own.
    ///   - arithmetic: The arithmetic.
    init(_ layer: LSTM, features: Int, _ arithmetic: Arithmetic) {
        self.features = features
        units = layer.units
        hasBias = layer.bias != nil
        activation = layer.activation
        recurrentActivation = layer.recurrentActivation
        isDefault = activation == .tanh && recurrentActivation == .sigmoid
        self.arithmetic = arithmetic
    }

    var lanes: Int { arithmetic.lanes }
    var parts: Int { 2 }
    var kept: Int { isDefault ? 5 * units : 9 * units }

    /// The number of values of one gate in all lanes.
    private var count: Int { units * lanes }
    /// The offsets of U, which follows W, and of b, which follows U.
    private var recurrentOffset: Int { features * 4 * units }
    private var biasOffset: Int { recurrentOffset + units * 4 * units }

    func step(
        _ x: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept z: Values<Scalar>,
        weights: Values<Scalar>
    ) {
        let (b, u) = (hasBias ? weights + biasOffset : nil, weights + recurrentOffset)
        if isDefault {
            arithmetic.lstm(
                z: z, b: b, x: x, rows: features, w: weights, u: u, units: units, before: before, after: after)
            return
        }
        arithmetic.affine(
            z, b: b, x: x, rows: features, w: weights, h: before, units: units, u: u, columns: 4 * units)
        let (c, cBefore, tanhC) = (after + count, before + count, z + 4 * count)
        (z + 5 * count).copy(z, count: 4 * count)
        recurrentActivation.apply(z, count: 2 * count, arithmetic)
        activation.apply(z + 2 * count, count: count, arithmetic)
        recurrentActivation.apply(z + 3 * count, count: count, arithmetic)
        for k in 0..<count { c[k] = z[count + k] * cBefore[k] + z[k] * z[2 * count + k] }
        tanhC.copy(c, count: count)
        activation.apply(tanhC, count: count, arithmetic)
        for k in 0..<count { after[k] = z[3 * count + k] * tanhC[k] }
    }

    func stepBack(
        _ state: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept z: Values<Scalar>,
        dx: Values<Scalar>?, isFirst: Bool, weights: Values<Scalar>
    ) {
        let (dh, dc, tanhC) = (state, state + count, z + 4 * count)
        if isDefault {
            arithmetic.lstmBack(z: z, before: before + count, tanhC: tanhC, dh: dh, dc: dc, count: count)
        } else {
            genericBack(z, before: before + count, c: after + count, dh: dh, dc: dc)
        }
        if !isFirst {
            arithmetic.transposed(
                dh, b: nil, z: z, columns: 4 * units, w: weights + recurrentOffset, rows: units)
        }
        if let dx { arithmetic.transposed(dx, b: nil, z: z, columns: 4 * units, w: weights, rows: features) }
    }

    /// Computes ``TileArithmetic/lstmBack(z:before:tanhC:dh:dc:count:)`` for any activations.
    private func genericBack(
        _ z: Values<Scalar>, before: Values<Scalar>, c: Values<Scalar>, dh: Values<Scalar>, dc: Values<Scalar>
    ) {
        let (i, f, g, o, tanhC) = (z, z + count, z + 2 * count, z + 3 * count, z + 4 * count)
        let sums = z + 5 * count
        for k in 0..<count {
            let (ik, fk, gk, ok, t) = (i[k], f[k], g[k], o[k], tanhC[k])
            let cell = dc[k] + dh[k] * ok * activation.slope(x: c[k], y: t)
            i[k] = cell * gk * recurrentActivation.slope(x: sums[k], y: ik)
            f[k] = cell * before[k] * recurrentActivation.slope(x: sums[count + k], y: fk)
            g[k] = cell * ik * activation.slope(x: sums[2 * count + k], y: gk)
            o[k] = dh[k] * t * recurrentActivation.slope(x: sums[3 * count + k], y: ok)
            dc[k] = cell * fk
        }
    }

    func addGradient(
        _ gradient: Values<Scalar>, x: Values<Scalar>, xStep: Int, before: Values<Scalar>, kept: Values<Scalar>,
        steps: Int
    ) {
        let zStep = self.kept * lanes
        arithmetic.addProducts(
            gradient, x: x, xStep: xStep, rows: features, z: kept, zStep: zStep, columns: 4 * units, steps: steps)
        arithmetic.addProducts(
            gradient + recurrentOffset, x: before, xStep: 2 * count, rows: units, z: kept, zStep: zStep,
            columns: 4 * units, steps: steps)
        if hasBias {
            arithmetic.addSums(gradient + biasOffset, z: kept, zStep: zStep, columns: 4 * units, steps: steps)
        }
    }
}

import Recurrent

/// A ``SimpleRNN``'s timestep and its gradients. ``ReferenceSimpleRNN`` states the equation.
///
///     dz = dh ⊙ activation′(z)
///     dh = dz·Uᵀ
///     dx = dz·Wᵀ
///     dW = Σ xᵀ·dz
///     dU = Σ hᵀ·dz
///     db = Σ dz
///
/// The kept values are the sums z, shape (units, lanes).
struct SimpleRNNCell<Arithmetic: TileArithmetic>: RecurrentCell {
    typealias Scalar = Arithmetic.Scalar

    let features: Int
    let units: Int
    let hasBias: Bool
    let activation: Activation
    let arithmetic: Arithmetic

    /// Creates the cell.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - features: The width of the input, which may differ from the layer's own.
    ///   - arithmetic: The arithmetic.
    init(_ layer: SimpleRNN, features: Int, _ arithmetic: Arithmetic) {
        self.features = features
        units = layer.units
        hasBias = layer.bias != nil
        activation = layer.activation
        self.arithmetic = arithmetic
    }

    var lanes: Int { arithmetic.lanes }
    var parts: Int { 1 }
    var kept: Int { units }

    private var count: Int { units * lanes }
    private var recurrentOffset: Int { features * units }
    private var biasOffset: Int { recurrentOffset + units * units }

    func step(
        _ x: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept z: Values<Scalar>,
        weights: Values<Scalar>
    ) {
        arithmetic.affine(
            z, b: hasBias ? weights + biasOffset : nil, x: x, rows: features, w: weights, h: before, units: units,
            u: weights + recurrentOffset, columns: units)
        after.copy(z, count: count)
        activation.apply(after, count: count, arithmetic)
    }

    func stepBack(
        _ dh: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept z: Values<Scalar>,
        dx: Values<Scalar>?, isFirst: Bool, weights: Values<Scalar>
    ) {
        activation.multiplyBySlope(z, x: z, y: after, dy: dh, count: count)
        if !isFirst {
            arithmetic.transposed(dh, b: nil, z: z, columns: units, w: weights + recurrentOffset, rows: units)
        }
        if let dx { arithmetic.transposed(dx, b: nil, z: z, columns: units, w: weights, rows: features) }
    }

    func addGradient(
        _ gradient: Values<Scalar>, x: Values<Scalar>, xStep: Int, before: Values<Scalar>, kept: Values<Scalar>,
        steps: Int
    ) {
        arithmetic.addProducts(
            gradient, x: x, xStep: xStep, rows: features, z: kept, zStep: count, columns: units, steps: steps)
        arithmetic.addProducts(
            gradient + recurrentOffset, x: before, xStep: count, rows: units, z: kept, zStep: count, columns: units,
            steps: steps)
        if hasBias { arithmetic.addSums(gradient + biasOffset, z: kept, zStep: count, columns: units, steps: steps) }
    }
}

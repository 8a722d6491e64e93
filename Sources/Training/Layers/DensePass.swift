import Recurrent

/// A ``Dense`` layer on each timestep.
///
///     z = x·W + b
///     y = activation(z)
///     dz = dy ⊙ activation′(z)
///     dx = dz·Wᵀ
///     dW = Σ xᵀ·dz
///     db = Σ dz
///
/// `memory` holds y and z, shape (steps, units, lanes) each.
struct DensePass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    let features: Int
    let units: Int
    let hasBias: Bool
    let activation: Activation
    let arithmetic: Arithmetic

    /// Creates the pass.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - activation: The activation to use instead of the layer's own.
    ///   - arithmetic: The arithmetic.
    init(_ layer: Dense, activation: Activation, _ arithmetic: Arithmetic) {
        features = layer.features
        units = layer.units
        hasBias = layer.bias != nil
        self.activation = activation
        self.arithmetic = arithmetic
    }

    private var lanes: Int { arithmetic.lanes }

    func memorySize(steps: Int) -> Int { 2 * steps * units * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        for t in 0..<input.steps {
            arithmetic.affine(
                y + t * units * lanes, b: hasBias ? weights + features * units : nil,
                x: input.values + t * features * lanes, rows: features, w: weights, h: input.values, units: 0,
                u: weights, columns: units)
        }
        let count = input.steps * units * lanes
        (y + count).copy(y, count: count)
        activation.applyToTimesteps(y, steps: input.steps, units: units, arithmetic)
        return input.with(y)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        let z = y + input.steps * units * lanes
        activation.multiplyTimestepsBySlope(z, x: z, y: y, dy: dy, steps: input.steps, units: units, lanes: lanes)
        arithmetic.addProducts(
            gradient, x: input.values, xStep: features * lanes, rows: features, z: z, zStep: units * lanes,
            columns: units, steps: input.steps)
        if hasBias {
            arithmetic.addSums(
                gradient + features * units, z: z, zStep: units * lanes, columns: units, steps: input.steps)
        }
        guard let dx else { return }
        for t in 0..<input.steps {
            arithmetic.transposed(
                dx + t * features * lanes, b: nil, z: z + t * units * lanes, columns: units, w: weights,
                rows: features)
        }
    }
}

extension Activation {
    /// Applies the function, which may be softmax, to a sequence in place, shape (steps, units, lanes).
    func applyToTimesteps<Arithmetic: TileArithmetic>(
        _ y: Values<Arithmetic.Scalar>, steps: Int, units: Int, _ arithmetic: Arithmetic
    ) {
        let lanes = arithmetic.lanes
        guard self == .softmax else { return apply(y, count: steps * units * lanes, arithmetic) }
        for t in 0..<steps { Self.softmax(y + t * units * lanes, units: units, lanes: lanes) }
    }

    /// Computes the gradient of ``applyToTimesteps(_:steps:units:_:)``; see ``multiplyBySlope(_:x:y:dy:count:)``.
    func multiplyTimestepsBySlope<Scalar: ReferenceScalar>(
        _ dx: Values<Scalar>, x: Values<Scalar>, y: Values<Scalar>, dy: Values<Scalar>, steps: Int, units: Int,
        lanes: Int
    ) {
        guard self == .softmax else {
            return multiplyBySlope(dx, x: x, y: y, dy: dy, count: steps * units * lanes)
        }
        for t in 0..<steps {
            let at = t * units * lanes
            Self.softmaxBack(dx + at, y: y + at, dy: dy + at, units: units, lanes: lanes)
        }
    }
}

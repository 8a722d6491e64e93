import Recurrent

/// A layer that applies a function to each timestep: ``ActivationLayer``, ``Rectifier`` or ``ExponentialUnit``.
///
///     y = f(x)
///     dx = dy ⊙ f′(x)
///
/// `memory` holds y, shape (steps, units, lanes).
struct ElementwisePass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    enum Function: Sendable {
        case activation(Activation)
        case rectifier(slope: Scalar, threshold: Scalar, maximum: Scalar)
        case exponentialUnit(alpha: Scalar)
    }

    let units: Int
    let function: Function
    let arithmetic: Arithmetic

    init(units: Int, _ function: Function, _ arithmetic: Arithmetic) {
        self.units = units
        self.function = function
        self.arithmetic = arithmetic
    }

    init(_ layer: Rectifier, _ arithmetic: Arithmetic) {
        self.init(
            units: layer.units,
            .rectifier(
                slope: Scalar(layer.negativeSlope), threshold: Scalar(layer.threshold), maximum: Scalar(layer.maximum)),
            arithmetic)
    }

    func memorySize(steps: Int) -> Int { steps * units * arithmetic.lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let (x, count) = (input.values, input.steps * units * arithmetic.lanes)
        switch function {
        case .activation(let activation):
            y.copy(x, count: count)
            activation.applyToTimesteps(y, steps: input.steps, units: units, arithmetic)
        case .rectifier(let slope, let threshold, let maximum):
            for k in 0..<count {
                y[k] = x[k] > threshold ? min(x[k], maximum) : min(slope * (x[k] - threshold), maximum)
            }
        case .exponentialUnit(let alpha):
            for k in 0..<count { y[k] = x[k] > 0 ? x[k] : alpha * (Scalar.exp(x[k]) - 1) }
        }
        return input.with(y)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        let (x, count) = (input.values, input.steps * units * arithmetic.lanes)
        switch function {
        case .activation(let activation):
            activation.multiplyTimestepsBySlope(
                dx, x: x, y: y, dy: dy, steps: input.steps, units: units, lanes: arithmetic.lanes)
        case .rectifier(let slope, let threshold, let maximum):
            for k in 0..<count {
                dx[k] = x[k] >= maximum ? 0 : x[k] > threshold ? dy[k] : slope * dy[k]
            }
        case .exponentialUnit(let alpha):
            for k in 0..<count { dx[k] = x[k] > 0 ? dy[k] : dy[k] * (y[k] + alpha) }
        }
    }
}

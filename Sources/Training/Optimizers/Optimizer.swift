import Glibc
import Recurrent

/// The rule by which a gradient changes the weights, with Keras' defaults.
package struct Optimizer: Equatable, Sendable {
    package enum Method: Equatable, Sendable {
        /// D. Kingma, J. Ba, Adam, 2014 (<https://arxiv.org/abs/1412.6980>), in Keras' form
        /// (<https://keras.io/api/optimizers/adam/>).
        case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7)
        /// Stochastic gradient descent (<https://keras.io/api/optimizers/sgd/>).
        case sgd(momentum: Double = 0, isNesterov: Bool = false)

        /// The number of vectors that the method keeps for each weight.
        package var slots: Int {
            switch self {
            case .adam: 2
            case .sgd(let momentum, _): momentum == 0 ? 0 : 1
            }
        }
    }

    package var method: Method
    package var learningRate: LearningRate
    package var clipping: Clipping

    /// Creates an optimizer. Each parameter sets the property of the same name.
    package init(
        _ method: Method = .adam(), learningRate: LearningRate = .constant(0.001), clipping: Clipping = .none
    ) {
        self.method = method
        self.learningRate = learningRate
        self.clipping = clipping
    }
}

/// The state that an optimizer keeps between updates.
package struct OptimizerState: Equatable, Sendable {
    /// The number of updates so far.
    package var updates: Int
    /// The optimizer's vectors for each trainable weight that is not frozen, in the model's order. Each vector has the
    /// same shape as the weight. Adam keeps momentum and velocity, SGD with momentum keeps the momentum, and plain SGD
    /// keeps nothing.
    package var slots: [[[Float]]]

    package init(updates: Int, slots: [[[Float]]]) {
        self.updates = updates
        self.slots = slots
    }
}

/// An optimizer at work: the rule and its state.
final class OptimizerStep<Arithmetic: TileArithmetic> {
    typealias Scalar = Arithmetic.Scalar

    private let optimizer: Optimizer
    private let arithmetic: Arithmetic
    /// The ranges of the weights to change, and the same ranges with adjacent ones joined.
    private let weights, runs: [Range<Int>]
    /// A rate that replaces the optimizer's own; nil if none was set.
    var rate: Double?
    var updates = 0
    /// m and v, or the momentum, in the layout of the parameters.
    let slots: [Buffer<Scalar>]

    /// Creates the optimizer's initial state.
    ///
    /// - Parameters:
    ///   - optimizer: The rule.
    ///   - parameters: The number of all weights' values.
    ///   - trained: The ranges of the weights to change.
    ///   - arithmetic: The arithmetic.
    init(_ optimizer: Optimizer, parameters: Int, trained: [Range<Int>], _ arithmetic: Arithmetic) {
        self.optimizer = optimizer
        weights = trained
        runs = Self.joined(trained)
        self.arithmetic = arithmetic
        slots = (0..<optimizer.method.slots).map { _ in Buffer(parameters) }
    }

    /// The rate of the next update.
    var learningRate: Double { rate ?? optimizer.learningRate.value(after: updates) }

    /// The rate of the last update. Before the first update, the rate of the next one.
    var lastLearningRate: Double { rate ?? optimizer.learningRate.value(after: max(0, updates - 1)) }

    /// Changes the weights.
    ///
    /// - Parameters:
    ///   - parameters: All weights.
    ///   - gradient: The gradient of all weights; overwritten.
    func update(_ parameters: Values<Scalar>, gradient: Values<Scalar>) {
        optimizer.clipping.apply(to: gradient, weights: weights)
        let rate = learningRate
        updates += 1
        switch optimizer.method {
        case .adam(let beta1, let beta2, let epsilon):
            let alpha = Scalar(Self.adamRate(rate, updates, beta1, beta2))
            for run in runs {
                let start = run.lowerBound
                arithmetic.adam(
                    parameters + start, gradient: gradient + start, m: slots[0].values + start,
                    v: slots[1].values + start, count: run.count, alpha: alpha, first: Scalar(1 - beta1),
                    second: Scalar(1 - beta2), epsilon: Scalar(epsilon))
            }
        case .sgd(let momentum, let isNesterov):
            let rate = Scalar(rate)
            guard momentum != 0 else {
                for run in runs {
                    for k in run { parameters[k] -= rate * gradient[k] }
                }
                return
            }
            let (m, momentum) = (slots[0].values, Scalar(momentum))
            for run in runs {
                for k in run {
                    m[k] = momentum * m[k] - rate * gradient[k]
                    parameters[k] += isNesterov ? momentum * m[k] - rate * gradient[k] : m[k]
                }
            }
        }
    }

    /// Returns α = rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ). Keras rounds both β to float32 here, but not elsewhere.
    private static func adamRate(_ rate: Double, _ updates: Int, _ beta1: Double, _ beta2: Double) -> Double {
        let (power1, power2) = (power(Double(Float(beta1)), updates), power(Double(Float(beta2)), updates))
        return rate * (1 - power2).squareRoot() / (1 - power1)
    }

    /// Returns βᵗ, or 0 if it is too small to change 1 − βᵗ.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        // βᵗ ≤ e^(−(1 − β) t), and e⁻³⁸ < 2⁻⁵⁴.
        Double(exponent) * (1 - base) > 38 ? 0 : pow(base, Double(exponent))
    }

    private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        ranges.reduce(into: []) { runs, range in
            if let last = runs.last, last.upperBound == range.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<range.upperBound
            } else {
                runs.append(range)
            }
        }
    }
}

import Glibc

/// The factor of an optimizer's steps: constant, or a function of the number of updates.
package enum LearningRate: Equatable, Sendable {
    case constant(Double)
    /// `initial · rate^(previous updates / steps)`: Keras' ExponentialDecay
    /// (<https://keras.io/api/optimizers/learning_rate_schedules/exponential_decay/>).
    case exponentialDecay(initial: Double, rate: Double, steps: Double)

    /// Returns the rate of the update that follows the given number of updates.
    func value(after updates: Int) -> Double {
        switch self {
        case .constant(let rate): rate
        case .exponentialDecay(let initial, let rate, let steps): initial * pow(rate, Double(updates) / steps)
        }
    }
}

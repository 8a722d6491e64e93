/// The metric of an ``EpochResult`` that a rule watches.
package enum Monitor: String, CaseIterable, Sendable {
    case loss
    case accuracy
    case validationLoss = "val_loss"
    case validationAccuracy = "val_accuracy"

    /// Whether larger values are better.
    fileprivate var isLargerBetter: Bool { self == .accuracy || self == .validationAccuracy }

    /// Returns the metric's value; NaN if it needs a validation set and there is none.
    fileprivate func value(of result: EpochResult) -> Double {
        switch self {
        case .loss: result.training.loss
        case .accuracy: result.training.accuracy
        case .validationLoss: result.validation?.loss ?? .nan
        case .validationAccuracy: result.validation?.accuracy ?? .nan
        }
    }

    /// Returns whether an epoch is better than another.
    package func isBetter(_ epoch: EpochResult, than best: EpochResult?) -> Bool {
        isBetter(value(of: epoch), than: best.map(value), by: 0)
    }

    /// Returns whether a value is better than another by more than `minimum`.
    fileprivate func isBetter(_ value: Double, than best: Double?, by minimum: Double) -> Bool {
        guard let best else { return !value.isNaN }
        return isLargerBetter ? value - minimum > best : value + minimum < best
    }
}

/// The rule that ends training: Keras' EarlyStopping (<https://keras.io/api/callbacks/early_stopping/>).
package struct EarlyStopping: Sendable {
    package var monitor: Monitor
    /// The number of consecutive epochs without improvement after which the training ends.
    package var patience: Int
    /// The difference that an improvement must exceed.
    package var minimumDifference: Double
    /// Whether the weights of the best epoch are restored at the end.
    package var restoresBest: Bool

    /// Creates a rule. Each parameter sets the property of the same name.
    package init(
        _ monitor: Monitor = .validationLoss, patience: Int = 0, minimumDifference: Double = 0,
        restoresBest: Bool = false
    ) {
        self.monitor = monitor
        self.patience = patience
        self.minimumDifference = minimumDifference
        self.restoresBest = restoresBest
    }

    func watch() -> Watch { Watch(rule: self) }

    /// The progress of the rule during one training run.
    struct Watch {
        let rule: EarlyStopping
        /// The best epoch so far.
        private(set) var best: (epoch: Int, weights: [[Float]])?
        private var value: Double?
        private var waits = 0

        fileprivate init(rule: EarlyStopping) { self.rule = rule }

        /// Updates the progress after an epoch.
        ///
        /// - Parameters:
        ///   - result: The epoch.
        ///   - weights: The weights after the epoch. They are kept only if the rule restores the best weights.
        /// - Returns: Whether to end the training.
        mutating func stops(after result: EpochResult, weights: @autoclosure () -> [[Float]]) -> Bool {
            let value = rule.monitor.value(of: result)
            waits += 1
            if best == nil { best = (result.epoch, rule.restoresBest ? weights() : []) }
            if rule.monitor.isBetter(value, than: self.value, by: rule.minimumDifference) {
                self.value = value
                best = (result.epoch, rule.restoresBest ? weights() : [])
                waits = 0
                return false
            }
            return waits >= rule.patience && result.epoch > 1
        }
    }
}

/// The rule that lowers the learning rate: Keras' ReduceLROnPlateau
/// (<https://keras.io/api/callbacks/reduce_lr_on_plateau/>).
package struct RateReduction: Sendable {
    package var monitor: Monitor
    /// The factor by which the rate is multiplied, less than 1.
    package var factor: Double
    /// The number of consecutive epochs without improvement after which the rate is lowered.
    package var patience: Int
    /// The difference that an improvement must exceed.
    package var minimumDifference: Double
    /// The minimum rate.
    package var minimumRate: Double

    /// Creates a rule. Each parameter sets the property of the same name.
    package init(
        _ monitor: Monitor = .validationLoss, factor: Double = 0.1, patience: Int = 10,
        minimumDifference: Double = 1e-4, minimumRate: Double = 0
    ) {
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.minimumDifference = minimumDifference
        self.minimumRate = minimumRate
    }

    func watch() -> Watch { Watch(rule: self) }

    /// The progress of the rule during one training run.
    struct Watch {
        let rule: RateReduction
        private var best: Double?
        private var waits = 0

        fileprivate init(rule: RateReduction) { self.rule = rule }

        /// Updates the progress after an epoch.
        ///
        /// - Returns: The new rate; nil if the rate stays the same.
        mutating func rate(after result: EpochResult, rate: Double) -> Double? {
            let value = rule.monitor.value(of: result)
            if rule.monitor.isBetter(value, than: best, by: rule.minimumDifference) {
                best = value
                waits = 0
                return nil
            }
            waits += 1
            guard waits >= rule.patience, rate > rule.minimumRate else { return nil }
            waits = 0
            return max(rate * rule.factor, rule.minimumRate)
        }
    }
}

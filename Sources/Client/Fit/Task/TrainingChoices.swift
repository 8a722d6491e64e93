import ModelFiles
package import Training
import Wire

/// The user's choices for training. A missing choice is taken from the model's file or from Keras' defaults.
package struct TrainingChoices: Sendable {
    /// The optimizers. The raw values are the values of the option `--optimizer`.
    package enum Method: String, CaseIterable, Sendable {
        case adam, sgd

        /// The name of the Keras class.
        var className: String { self == .adam ? "Adam" : "SGD" }
    }

    package var loss: Training.Loss.Function?
    package var method: Method?
    package var learningRate: Double?
    /// The factor by which the learning rate decays, and the number of updates over which it decays by this factor.
    package var decay: (rate: Double, steps: Double)?
    package var clipping: Clipping?
    /// The factor by which the loss of each class is multiplied; 1 for a class that is missing.
    package var classWeights: [Int: Float] = [:]
    package var seed: UInt64 = 0
    /// The number of threads.
    package var jobs = 1
    /// Whether to keep the weights of layers that Sluice cannot train. If not, models with such layers are refused.
    package var freezesUnsupported = false

    package init() {}

    /// Returns the options with which the trained model is compiled.
    func compilation(of document: ModelDocument, _ loss: LossChoice) -> KerasCompilation {
        let metrics = loss.isClassifier ? ["accuracy"] : []
        var compilation =
            document.compilation
            ?? KerasCompilation(
                optimizer: (method ?? .adam).className, loss: loss.training.function.rawValue, metrics: metrics)
        if compilation.loss?.name != loss.training.function.rawValue || document.compilation == nil {
            if loss.training.fromLogits {
                compilation.setLogitLoss(className: loss.training.function.className)
            } else {
                compilation.setLoss(loss.training.function.rawValue)
            }
            compilation.setMetrics(metrics)
        }
        if let method, method.className != compilation.optimizer { compilation.setOptimizer(method.className) }
        if let rate = changedRate(compilation.learningRate) { compilation.setLearningRate(rate) }
        if let clipping, let optimizer = compilation.optimizer {
            compilation.setOptimizer(optimizer, options: clipping.options)
        }
        return compilation
    }

    private func changedRate(_ old: KerasCompilation.LearningRate) -> KerasCompilation.LearningRate? {
        var initial: Double? {
            switch old {
            case .constant(let rate), .exponentialDecay(let rate, _, _): rate
            case .other: nil
            }
        }
        if let decay {
            guard let rate = learningRate ?? initial else { return nil }
            return .exponentialDecay(initial: rate, rate: decay.rate, steps: decay.steps)
        }
        guard let learningRate else { return nil }
        // A given rate becomes the initial rate of the file's schedule.
        if case .exponentialDecay(_, let rate, let steps) = old {
            return .exponentialDecay(initial: learningRate, rate: rate, steps: steps)
        }
        return .constant(learningRate)
    }
}

extension Clipping {
    /// The clipping options of a Keras optimizer. At most one of them is set.
    fileprivate var options: [String: JSONValue] {
        var options: [String: JSONValue] = ["clipnorm": .null, "global_clipnorm": .null, "clipvalue": .null]
        switch self {
        case .none: break
        case .norm(let limit): options["clipnorm"] = .number(limit)
        case .globalNorm(let limit): options["global_clipnorm"] = .number(limit)
        case .value(let limit): options["clipvalue"] = .number(limit)
        }
        return options
    }
}

extension Training.Loss.Function {
    /// The name of the Keras class.
    fileprivate var className: String {
        switch self {
        case .binaryCrossentropy: "BinaryCrossentropy"
        case .categoricalCrossentropy: "CategoricalCrossentropy"
        case .sparseCategoricalCrossentropy: "SparseCategoricalCrossentropy"
        case .meanSquaredError: "MeanSquaredError"
        }
    }
}

import ModelFiles
package import Training
import Wire

/// The choices of a person about a training. Each that is missing is that of the model's file, or Keras' default.
package struct TrainingChoices: Sendable {
    /// The optimizers. The raw values are the names of options.
    package enum Method: String, CaseIterable, Sendable {
        case adam, sgd

        /// The class in Keras.
        var className: String { self == .adam ? "Adam" : "SGD" }
    }

    package var loss: Training.Loss.Function?
    package var method: Method?
    package var learningRate: Double?
    /// The factor of the learning rate, and the number of updates after which it is reached.
    package var decay: (rate: Double, steps: Double)?
    package var clipping: Clipping?
    /// The factor of the loss for each class; 1 for a class that is missing.
    package var classWeights: [Int: Float] = [:]
    package var seed: UInt64 = 0
    /// The number of threads.
    package var jobs = 1
    /// Whether layers that Sluice does not train keep their weights. Otherwise they are refused.
    package var freezesUnsupported = false

    package init() {}

    /// Returns the options that the trained model is compiled with.
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
        // A given rate is the initial one of the file's schedule.
        if case .exponentialDecay(_, let rate, let steps) = old {
            return .exponentialDecay(initial: learningRate, rate: rate, steps: steps)
        }
        return .constant(learningRate)
    }
}

extension Clipping {
    /// The options of an optimizer in Keras. Only one of them is set.
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
    /// The class in Keras.
    fileprivate var className: String {
        switch self {
        case .binaryCrossentropy: "BinaryCrossentropy"
        case .categoricalCrossentropy: "CategoricalCrossentropy"
        case .sparseCategoricalCrossentropy: "SparseCategoricalCrossentropy"
        case .meanSquaredError: "MeanSquaredError"
        }
    }
}

import FoundationEssentials
package import Wire

/// The options that a model was compiled with: Keras' `compile_config`. Members that Sluice does not know are kept.
package struct KerasCompilation: Equatable, Sendable {
    /// An optimizer's learning rate, which is constant or follows a schedule.
    package enum LearningRate: Equatable, Sendable {
        /// One rate for all updates.
        case constant(Double)
        /// `initial · rate^(updates / steps)` (<https://keras.io/api/optimizers/learning_rate_schedules/exponential_decay/>).
        case exponentialDecay(initial: Double, rate: Double, steps: Double)
        /// Another schedule, identified by its class in Keras.
        case other(String)
    }

    /// The name of the member in `config.json`.
    static let member = "compile_config"
    private static let optimizerMember = "optimizer"
    private static let learningRateOption = "learning_rate"

    private var members: [String: JSONValue]

    /// Creates the options for a model that was not compiled before.
    ///
    /// - Parameters:
    ///   - optimizer: The optimizer's class in Keras, `Adam` or `SGD`. Its options are Keras' defaults.
    ///   - loss: Keras' name for the loss.
    ///   - metrics: Keras' names for the metrics.
    package init(optimizer: String = "Adam", loss: String, metrics: [String]) {
        members = [
            "loss": .string(loss), "loss_weights": .null, "metrics": .array(metrics.map(JSONValue.string)),
            "weighted_metrics": .null, "run_eagerly": .bool(false), "steps_per_execution": .integer(1),
            "jit_compile": .string("auto"),
        ]
        setOptimizer(optimizer)
    }

    /// Reads `compile_config` from a configuration; nil if the model is not compiled.
    ///
    /// - Parameter configuration: The text of `config.json`.
    package init?(configuration: [UInt8]) {
        guard let range = JSONMember.range(of: Self.member, in: configuration) else { return nil }
        self.init(json: Array(configuration[range]))
    }

    /// Reads the text of `training_config` in a legacy `.h5` file; nil if the text is damaged.
    package init?(legacyJSON: [UInt8]) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(legacyJSON)), var members = value.members
        else { return nil }
        let optimizer = members.removeValue(forKey: "optimizer_config")
        self.members = members
        guard case .string(let className)? = optimizer?.members?["class_name"] else { return }
        setOptimizer(className, options: optimizer?.members?["config"]?.members ?? [:])
    }

    /// Decodes JSON that ``json`` produced; nil if the JSON is not an object.
    init?(json: [UInt8]) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(json)), let members = value.members
        else { return nil }
        self.members = members
    }

    /// The options as JSON. Equal options produce equal JSON.
    var json: [UInt8] { KerasConfiguration.encoded(.object(members)) }

    /// The loss; nil unless there is exactly one loss and it has a name.
    package var loss: CompiledLoss? { members["loss"].flatMap(CompiledLoss.init(keras:)) }

    /// Sets the loss to the function with this name.
    package mutating func setLoss(_ name: String) { members["loss"] = .string(name) }

    /// Sets the loss to one that takes logits.
    ///
    /// - Parameter className: The class of the loss in Keras, such as `BinaryCrossentropy`.
    package mutating func setLogitLoss(className: String) {
        members["loss"] = .object([
            "module": .string("keras.losses"), "class_name": .string(className),
            "config": .object(["from_logits": .bool(true)]), "registered_name": .null,
        ])
    }

    /// Keras' names for the metrics. Metrics without a name are omitted.
    package var metrics: [String] {
        guard case .array(let metrics)? = members["metrics"] else { return [] }
        return metrics.compactMap { metric in
            switch metric {
            case .string(let name): name
            default: metric.members?["class_name"]?.text
            }
        }
    }

    /// Sets the metrics to the functions with these names.
    package mutating func setMetrics(_ names: [String]) {
        members["metrics"] = .array(names.map(JSONValue.string))
    }
}

// MARK: - The optimizer

extension KerasCompilation {
    /// The optimizer's class in Keras, such as `Adam`; nil if there is none.
    package var optimizer: String? {
        members[Self.optimizerMember]?.members?["class_name"]?.text
            ?? members[Self.optimizerMember]?.text.map {
                $0 == "sgd" ? "SGD" : $0.prefix(1).uppercased() + $0.dropFirst()
            }
    }

    private var optimizerOptions: [String: JSONValue] {
        members[Self.optimizerMember]?.members?["config"]?.members ?? [:]
    }

    /// Returns an option of the optimizer, such as `beta_1`; nil if it is missing or null.
    package func optimizerOption(_ name: String) -> JSONValue? {
        optimizerOptions[name].flatMap { $0 == .null ? nil : $0 }
    }

    /// Returns a numeric option of the optimizer, such as `beta_1`; nil if the option is missing, null or not a number.
    package func optimizerNumber(_ name: String) -> Double? { optimizerOption(name)?.double }

    /// The optimizer's learning rate.
    package var learningRate: LearningRate {
        guard let schedule = optimizerOption(Self.learningRateOption)?.members else {
            return .constant(optimizerNumber(Self.learningRateOption) ?? 0.001)
        }
        let className = schedule["class_name"]?.text ?? "?"
        let options = schedule["config"]?.members
        guard className == "ExponentialDecay", options?["staircase"] != .bool(true),
            let initial = options?["initial_learning_rate"]?.double, let rate = options?["decay_rate"]?.double,
            let steps = options?["decay_steps"]?.double
        else { return .other(className) }
        return .exponentialDecay(initial: initial, rate: rate, steps: steps)
    }

    /// Sets the optimizer.
    ///
    /// - Parameters:
    ///   - className: The optimizer's class in Keras, `Adam` or `SGD`.
    ///   - options: The options to set. Other options keep their values, or get Keras' defaults if the class changes.
    package mutating func setOptimizer(_ className: String, options: [String: JSONValue] = [:]) {
        let old = className == optimizer ? optimizerOptions : [:]
        let all = Self.defaults(of: className).merging(old) { $1 }.merging(options) { $1 }.mapValues(\.asRead)
        members[Self.optimizerMember] = .object([
            "module": .string("keras.optimizers"), "class_name": .string(className), "config": .object(all),
            "registered_name": .null,
        ])
    }

    /// Sets the optimizer's learning rate.
    package mutating func setLearningRate(_ rate: LearningRate) {
        guard let optimizer else { return }
        switch rate {
        case .constant(let rate): setOptimizer(optimizer, options: [Self.learningRateOption: .number(rate)])
        case .exponentialDecay(let initial, let rate, let steps):
            let schedule = JSONValue.object([
                "module": .string("keras.optimizers.schedules"), "class_name": .string("ExponentialDecay"),
                "config": .object([
                    "initial_learning_rate": .number(initial), "decay_rate": .number(rate),
                    "decay_steps": .number(steps), "staircase": .bool(false), "name": .string("ExponentialDecay"),
                ]),
                "registered_name": .null,
            ])
            setOptimizer(optimizer, options: [Self.learningRateOption: schedule])
        case .other: break
        }
    }

    /// Keras 3's default options for an optimizer.
    private static func defaults(of className: String) -> [String: JSONValue] {
        var options: [String: JSONValue] = [
            "name": .string(className.lowercased()), "weight_decay": .null, "clipnorm": .null,
            "global_clipnorm": .null, "clipvalue": .null, "use_ema": .bool(false), "ema_momentum": .number(0.99),
            "ema_overwrite_frequency": .null, "loss_scale_factor": .null, "gradient_accumulation_steps": .null,
        ]
        switch className {
        case "Adam":
            let own: [String: JSONValue] = [
                learningRateOption: .number(0.001), "beta_1": .number(0.9), "beta_2": .number(0.999),
                "epsilon": .number(1e-7), "amsgrad": .bool(false),
            ]
            options.merge(own) { $1 }
        case "SGD":
            let own: [String: JSONValue] = [
                learningRateOption: .number(0.01), "momentum": .number(0), "nesterov": .bool(false),
            ]
            options.merge(own) { $1 }
        default: break
        }
        return options
    }
}

extension JSONValue {
    /// The value as it will be read back from JSON, in which whole numbers have no fraction.
    fileprivate var asRead: JSONValue {
        switch self {
        case .number(let value): Int64(exactly: value).map(JSONValue.integer) ?? self
        case .object(let members): .object(members.mapValues(\.asRead))
        default: self
        }
    }

    /// The content of a string; nil for any other kind of value.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}

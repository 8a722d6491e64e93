import ModelFiles
import Training

extension Optimizer {
    /// Keras optimizer options that Sluice does not support.
    private static let unsupported = [
        "weight_decay", "use_ema", "gradient_accumulation_steps", "loss_scale_factor", "amsgrad",
    ]

    /// Creates the optimizer with which a model was compiled.
    ///
    /// - Parameters:
    ///   - compilation: The options that the model was compiled with.
    ///   - path: The path of the model, for messages.
    /// - Throws: ``ClientError`` with the status `usage` if Sluice does not support the optimizer or one of its
    ///   options.
    init(_ compilation: KerasCompilation, path: String) throws(ClientError) {
        let name = compilation.optimizer ?? "none"
        guard let method = TrainingChoices.Method.allCases.first(where: { $0.className == name }) else {
            throw ClientError(
                .usage,
                "\(path): the model is compiled with the optimizer \(name), which Sluice does not train with; give "
                    + "--optimizer adam or --optimizer sgd")
        }
        if let option = Self.unsupported.first(where: { compilation.optimizerOption($0).map(\.isSet) ?? false }) {
            throw ClientError(
                .usage,
                "\(path): Sluice does not compute the option \(option) of the optimizer \(name); compile the model "
                    + "without it")
        }
        let rate: LearningRate
        switch compilation.learningRate {
        case .constant(let value): rate = .constant(value)
        case .exponentialDecay(let initial, let factor, let steps):
            rate = .exponentialDecay(initial: initial, rate: factor, steps: steps)
        case .other(let schedule):
            throw ClientError(
                .usage,
                "\(path): the model is compiled with the schedule \(schedule), which Sluice does not compute; give "
                    + "--learning-rate, or --decay RATE:STEPS as well")
        }
        self.init(
            Self.method(method, compilation), learningRate: rate, clipping: Self.clipping(compilation))
    }

    private static func method(_ method: TrainingChoices.Method, _ options: KerasCompilation) -> Method {
        switch method {
        case .adam:
            .adam(
                beta1: options.optimizerNumber("beta_1") ?? 0.9, beta2: options.optimizerNumber("beta_2") ?? 0.999,
                epsilon: options.optimizerNumber("epsilon") ?? 1e-7)
        case .sgd:
            .sgd(
                momentum: options.optimizerNumber("momentum") ?? 0,
                isNesterov: options.optimizerOption("nesterov").map(\.isSet) ?? false)
        }
    }

    private static func clipping(_ options: KerasCompilation) -> Clipping {
        if let limit = options.optimizerNumber("clipnorm") { return .norm(limit) }
        if let limit = options.optimizerNumber("global_clipnorm") { return .globalNorm(limit) }
        return options.optimizerNumber("clipvalue").map { .value($0) } ?? .none
    }
}

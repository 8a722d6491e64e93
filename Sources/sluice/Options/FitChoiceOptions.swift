import ArgumentParser
import Client
package import Training

/// The options for training, apart from files: the loss, the optimizer and the stopping rule.
struct FitChoiceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The number of the last epoch.", valueName: "epochs"))
    var epochs = 1

    @Option(help: ArgumentHelp("The sequences in a batch, for one update (default: 32).", valueName: "sequences"))
    var batchSize: Int?

    @Flag(help: "Train in the file's order. Otherwise each epoch has its own order, except with a stateful model.")
    var noShuffle = false

    @Option(
        help: ArgumentHelp("The seed of the random numbers. The same seed gives the same bits.", valueName: "seed"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy or mean_squared_error "
                + "(default: of the file, else the cross-entropy that fits the outputs).", valueName: "loss"))
    var loss: Training.Loss.Function?

    @Option(help: ArgumentHelp("adam or sgd (default: of the file, else adam).", valueName: "optimizer"))
    var optimizer: TrainingChoices.Method?

    @Option(
        help: ArgumentHelp(
            "The learning rate (default: of the file, else 0.001 for adam and 0.01 for sgd).", valueName: "rate"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "Multiply the learning rate by RATE over each STEPS updates, smoothly (default: of the file, else none).",
            valueName: "rate:steps"),
        transform: parseDecay)
    var decay: (rate: Double, steps: Double)?

    @Option(
        help: ArgumentHelp(
            "Scale the gradient of each weight to this norm, if its norm is larger (default: of the file, else none).",
            valueName: "norm"))
    var clipnorm: Double?

    @Option(
        help: ArgumentHelp(
            "Scale all gradients together to this norm, if their norm is larger (default: of the file, else none).",
            valueName: "norm"))
    var globalClipnorm: Double?

    @Option(
        help: ArgumentHelp(
            "Limit each value of a gradient to at most this (default: of the file, else none).", valueName: "value"))
    var clipvalue: Double?

    @Option(
        help: ArgumentHelp(
            "The factors of the loss of each class, such as 0=1,1=3 (default: 1 for each).",
            valueName: "class=weight,…"),
        transform: parseClassWeights)
    var classWeight: [Int: Float]?

    @Option(
        help: ArgumentHelp(
            "End after PATIENCE epochs in a row that do not better METRIC: loss, accuracy, val_loss or val_accuracy "
                + "(default: never).", valueName: "metric:patience"),
        transform: parseEarlyStopping)
    var earlyStopping: EarlyStopping?

    @Flag(help: "At the end, put back the weights of the best epoch by the metric of --early-stopping.")
    var restoreBest = false

    @Option(
        help: ArgumentHelp(
            "Multiply the learning rate by FACTOR after PATIENCE epochs in a row that do not better METRIC (default: "
                + "never).", valueName: "metric:patience:factor"),
        transform: parseRateReduction)
    var reduceLr: RateReduction?

    @Flag(help: "Keep the weights of layers that Sluice does not train, such as BatchNormalization.")
    var freezeUnsupported = false

    @Option(
        help: ArgumentHelp(
            "The number of threads (default: one per core). The result has the same bits for any number.",
            valueName: "threads"))
    var jobs: Int?

    func validate() throws {
        guard epochs >= 1 else { throw ValidationError("--epochs must be at least 1") }
        if let batchSize, batchSize < 1 { throw ValidationError("--batch-size must be at least 1 sequence") }
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be 1 to 1024 threads") }
        for (name, value) in [
            ("--learning-rate", learningRate), ("--clipnorm", clipnorm), ("--global-clipnorm", globalClipnorm),
            ("--clipvalue", clipvalue),
        ] {
            if let value, !(value > 0 && value.isFinite) { throw ValidationError("\(name) must be above 0") }
        }
        guard [clipnorm, globalClipnorm, clipvalue].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("give only one of --clipnorm, --global-clipnorm and --clipvalue")
        }
        if restoreBest, earlyStopping == nil {
            throw ValidationError("--restore-best needs --early-stopping METRIC:PATIENCE, which says what is best")
        }
    }

    /// Returns the loss, the optimizer and the other choices for training.
    func choices(cores: Int) -> TrainingChoices {
        var choices = TrainingChoices()
        choices.loss = loss
        choices.method = optimizer
        choices.learningRate = learningRate
        choices.decay = decay
        choices.clipping =
            clipnorm.map { .norm($0) } ?? globalClipnorm.map { .globalNorm($0) } ?? clipvalue.map { .value($0) }
        choices.classWeights = classWeight ?? [:]
        choices.seed = seed
        choices.jobs = jobs ?? cores
        choices.freezesUnsupported = freezeUnsupported
        return choices
    }

    /// The options that control the epochs.
    var fit: Training.FitOptions {
        var fit = Training.FitOptions(epochs: epochs, batchSize: batchSize ?? 32)
        fit.shuffles = !noShuffle
        fit.seed = seed
        fit.earlyStopping = earlyStopping
        fit.earlyStopping?.restoresBest = restoreBest
        fit.rateReduction = reduceLr
        return fit
    }
}

extension Training.Loss.Function: ExpressibleByArgument {
    /// Creates a loss from its name in Keras, or from the short name `bce` or `mse`.
    package init?(argument: String) {
        self.init(rawValue: ["bce": "binary_crossentropy", "mse": "mean_squared_error"][argument] ?? argument)
    }
}
extension TrainingChoices.Method: ExpressibleByArgument {}

private func parseDecay(_ text: String) throws -> (rate: Double, steps: Double) {
    let parts = text.split(separator: ":").map { Double($0) }
    guard parts.count == 2, let rate = parts[0], let steps = parts[1], rate > 0, rate <= 1, steps > 0,
        steps.isFinite
    else { throw ValidationError("a decay must be RATE:STEPS, such as 0.96:1000, with a rate of at most 1") }
    return (rate, steps)
}

private func parseClassWeights(_ text: String) throws -> [Int: Float] {
    var weights: [Int: Float] = [:]
    for part in text.split(separator: ",") {
        let words = part.split(separator: "=")
        guard words.count == 2, let number = Int(words[0]), let weight = Float(words[1]), weight >= 0, weight.isFinite,
            weights.updateValue(weight, forKey: number) == nil
        else { throw ValidationError("class weights must be CLASS=WEIGHT,…, such as 0=1,1=3") }
    }
    return weights
}

private func parseEarlyStopping(_ text: String) throws -> EarlyStopping {
    let parts = text.split(separator: ":").map(String.init)
    guard parts.count == 2, let monitor = Monitor(rawValue: parts[0]), let patience = Int(parts[1]), patience >= 0
    else {
        throw ValidationError("early stopping must be METRIC:PATIENCE, such as val_loss:5; \(metrics)")
    }
    return EarlyStopping(monitor, patience: patience)
}

private func parseRateReduction(_ text: String) throws -> RateReduction {
    let parts = text.split(separator: ":").map(String.init)
    guard parts.count == 3, let monitor = Monitor(rawValue: parts[0]), let patience = Int(parts[1]), patience >= 0,
        let factor = Double(parts[2]), factor > 0, factor < 1
    else {
        throw ValidationError(
            "a reduction must be METRIC:PATIENCE:FACTOR, such as val_loss:3:0.5, with a factor below 1; \(metrics)")
    }
    return RateReduction(monitor, factor: factor, patience: patience)
}

private let metrics = "a metric is \(Monitor.allCases.map(\.rawValue).joined(separator: ", "))"

package import ModelFiles
package import Training

/// A model to train, with its loss and its optimizer.
package struct TrainingTask: Sendable {
    /// The model's file.
    package let document: ModelDocument
    /// The path of the model's file, for messages.
    package let path: String
    /// The options with which the trained model is compiled.
    let compilation: KerasCompilation
    let loss: LossChoice
    /// The settings that do not change during the training.
    package let configuration: TrainingConfiguration
    /// Whether resumed training keeps the learning rate in the file, which earlier training may have lowered.
    let keepsLearningRate: Bool

    /// Combines the options in a model's file with the user's choices.
    ///
    /// - Throws: ``ClientError`` with the status `usage` if a choice does not fit the model, or `data` if the model
    ///   cannot be trained.
    package init(
        _ document: ModelDocument, path: String, _ choices: TrainingChoices
    ) throws(ClientError) {
        if let refusal = document.trainingRefusal { throw ClientError(.data, "\(path): \(refusal)") }
        let obstacles = document.obstacles
        if let first = obstacles.first(where: { !$0.canBeFrozen }) {
            throw ClientError(
                .data,
                "\(path): Sluice does not train models with the layer '\(first.layer)' (\(first.className)); train it "
                    + "in Keras")
        }
        let model = document.file.model
        loss = try LossChoice(choices.loss, for: document.file, path: path)
        compilation = choices.compilation(of: document, loss)
        var configuration = TrainingConfiguration(
            loss: loss.training, optimizer: try Optimizer(compilation, path: path),
            outputs: document.file.answersEveryTimestep ? .everyTimestep : .last)
        configuration.isStateful = document.file.isStateful
        configuration.classWeights = choices.classWeights
        configuration.measuresCurve = loss.isBinary
        configuration.seed = choices.seed
        configuration.jobs = choices.jobs
        configuration.dropouts = document.dropouts.map { .init(before: $0.before, rate: $0.rate) }
        configuration.frozenLayers.formUnion(obstacles.compactMap(\.index))
        for (index, isTrainable) in document.isTrainable.enumerated() where !isTrainable.contains(true) {
            configuration.frozenLayers.insert(index)
        }
        self.document = document
        self.path = path
        self.configuration = configuration
        keepsLearningRate = choices.learningRate == nil && choices.decay == nil
        try Self.checkClasses(choices.classWeights, loss)
        if !choices.freezesUnsupported, let first = obstacles.first {
            let option = first.reason == first.className ? "" : " with \(first.reason)"
            throw ClientError(
                .data,
                "\(path): Sluice does not train layer '\(first.layer)' (\(first.className))\(option); give "
                    + "--freeze-unsupported to train the others and keep its weights")
        }
        guard zip(document.isTrainable, model.layers).contains(where: { $0.0.contains(true) }) else {
            throw ClientError(.data, "\(path): no weight of the model is trainable")
        }
    }

    private static func checkClasses(_ weights: [Int: Float], _ loss: LossChoice) throws(ClientError) {
        guard !weights.isEmpty else { return }
        guard let classes = loss.labels.classes else {
            throw ClientError(
                .usage, "--class-weight is only for classifiers, but the loss is \(loss.training.function.rawValue)")
        }
        if let wrong = weights.keys.sorted().first(where: { !(0..<classes).contains($0) }) {
            throw ClientError(.usage, "--class-weight: the model has the classes 0 to \(classes - 1), not \(wrong)")
        }
    }

    /// Whether each timestep has its own label: either the model answers every timestep, or it is stateful and is
    /// called with a few timesteps at a time.
    var hasLabelPerTimestep: Bool { configuration.outputs == .everyTimestep || configuration.isStateful }

    /// Creates a trainer that starts from the weights in the file.
    ///
    /// - Throws: ``ClientError`` with the status `data` if a layer cannot be trained.
    package func makeTrainer() throws(ClientError) -> Trainer {
        do {
            return try Trainer(document.file.model, configuration)
        } catch {
            throw ClientError(error, path: path)
        }
    }
}

extension ClientError {
    /// Creates an error with the exit status for a training error.
    init(_ error: TrainingError, path: String) {
        self.init(error.code == .option ? .usage : .data, "\(path): \(error)")
    }
}

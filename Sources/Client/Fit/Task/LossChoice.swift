import ModelFiles
import Training

/// The loss of a training, and the labels that it takes.
struct LossChoice: Sendable {
    /// The loss as training computes it.
    let training: Training.Loss
    /// The same loss as the check of labels uses it.
    let labels: Loss

    /// Chooses a loss: a given one, or that of the model's file, or the cross-entropy that fits the model's outputs.
    ///
    /// - Parameters:
    ///   - given: The function that a person chose; nil for none.
    ///   - model: The model.
    ///   - path: The path of the model, for messages.
    /// - Throws: ``ClientError`` with the status `usage` if there is no such loss, or if it does not fit the outputs.
    init(_ given: Training.Loss.Function?, for model: ModelFile, path: String) throws(ClientError) {
        let compiled = given.map { Self.compiled($0, for: model) } ?? model.loss
        let outputs = model.model.outputs
        guard let labels = Loss(outputs: outputs, meaning: model.outputMeaning, compiled: compiled) else {
            throw ClientError(.usage, "\(path): \(Loss.lacking); give --loss \(Self.advice(outputs: outputs))")
        }
        if let compiled, compiled.name != labels.function.rawValue {
            throw ClientError(
                .usage,
                "\(path): the loss \(compiled.name) does not train \(Quantity.count(outputs, of: "output")); give --loss "
                    + Self.advice(outputs: outputs))
        }
        guard let function = Training.Loss.Function(rawValue: labels.function.rawValue) else {
            throw ClientError(
                .usage,
                "\(path): Sluice does not train with the loss \(labels.function.rawValue); give --loss "
                    + Self.advice(outputs: outputs))
        }
        self.labels = labels
        training = Training.Loss(
            function, fromLogits: labels.takesLogits, labelSmoothing: labels.labelSmoothing)
    }

    /// Returns the loss in the notation of a model's file. Outputs that are not probabilities are logits.
    private static func compiled(_ given: Training.Loss.Function, for model: ModelFile) -> CompiledLoss {
        if let loss = model.loss, loss.name == given.rawValue { return loss }
        return CompiledLoss(
            name: given.rawValue, fromLogits: given != .meanSquaredError && model.outputMeaning != .probability)
    }

    /// The losses that fit a number of outputs.
    private static func advice(outputs: Int) -> String {
        let several: Set<Training.Loss.Function> = [.categoricalCrossentropy, .sparseCategoricalCrossentropy]
        return Training.Loss.Function.allCases.filter { several.contains($0) == (outputs > 1) }.map(\.rawValue)
            .joined(separator: " or ")
    }

    /// Whether labels are classes, which can be right or wrong.
    var isClassifier: Bool { labels.classes != nil }

    /// Whether the only output is the probability of class 1.
    var isBinary: Bool { isClassifier && !labels.function.hasOutputPerClass }

    /// Returns the targets of the outputs for a label, or for none.
    func targets(of label: Float, outputs: Int) -> [Float] {
        guard training.function == .categoricalCrossentropy else { return [label] }
        guard !label.isNaN else { return [Float](repeating: .nan, count: outputs) }
        return (0..<outputs).map { Float($0) == label ? 1 : 0 }
    }
}

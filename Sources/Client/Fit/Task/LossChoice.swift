import ModelFiles
import Training

/// The loss to minimize, and the labels that this loss accepts.
struct LossChoice: Sendable {
    /// The loss in the form that the trainer computes.
    let training: Training.Loss
    /// The same loss in the form that is used to check labels.
    let labels: Loss

    /// Chooses a loss: the given loss if any, otherwise the loss in the model's file, and otherwise the cross-entropy
    /// that fits the model's outputs.
    ///
    /// - Parameters:
    ///   - given: The function that the user chose, if any.
    ///   - model: The model.
    ///   - path: The path of the model, for messages.
    /// - Throws: ``ClientError`` with the status `usage` if no loss can be chosen, or if the loss does not fit the
    ///   outputs.
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

    /// Returns a loss in the notation of a model's file. A cross-entropy treats outputs that are not probabilities as
    /// logits.
    private static func compiled(_ given: Training.Loss.Function, for model: ModelFile) -> CompiledLoss {
        if let loss = model.loss, loss.name == given.rawValue { return loss }
        return CompiledLoss(
            name: given.rawValue, fromLogits: given != .meanSquaredError && model.outputMeaning != .probability)
    }

    /// Returns the names of the losses that fit a number of outputs.
    private static func advice(outputs: Int) -> String {
        let several: Set<Training.Loss.Function> = [.categoricalCrossentropy, .sparseCategoricalCrossentropy]
        return Training.Loss.Function.allCases.filter { several.contains($0) == (outputs > 1) }.map(\.rawValue)
            .joined(separator: " or ")
    }

    /// Whether labels are classes, which can be right or wrong.
    var isClassifier: Bool { labels.classes != nil }

    /// Whether the only output is the probability of class 1.
    var isBinary: Bool { isClassifier && !labels.function.hasOutputPerClass }

    /// Returns the target value of each output for a label. NaN stands for a missing label.
    func targets(of label: Float, outputs: Int) -> [Float] {
        guard training.function == .categoricalCrossentropy else { return [label] }
        guard !label.isNaN else { return [Float](repeating: .nan, count: outputs) }
        return (0..<outputs).map { Float($0) == label ? 1 : 0 }
    }
}

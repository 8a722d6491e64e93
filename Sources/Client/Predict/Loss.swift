import Foundation
import ModelFiles
import Recurrent
import Streams

/// The distance of an answer from its label, as Keras measures it.
struct Loss: Equatable, Sendable {
    /// The Keras losses that Sluice computes. The raw values are the names in Keras.
    enum Function: String, Sendable {
        /// For one probability or logit, with labels 0 and 1.
        case binaryCrossEntropy = "binary_crossentropy"
        /// For one output per class. The label is a class index.
        case sparseCategoricalCrossEntropy = "sparse_categorical_crossentropy"
        /// Like the sparse loss, but defined for one-hot labels. The labels in a file are class indices here too.
        case categoricalCrossEntropy = "categorical_crossentropy"
        /// For one number. The label may be any number.
        case meanSquaredError = "mean_squared_error"
        /// For one number. The label may be any number.
        case meanAbsoluteError = "mean_absolute_error"

        /// Whether the loss needs one output per class.
        var hasOutputPerClass: Bool {
            self == .sparseCategoricalCrossEntropy || self == .categoricalCrossEntropy
        }
    }

    /// The reason why a model has no loss, worded for messages.
    static let lacking =
        "the model ends neither in one sigmoid nor in a softmax, and is not compiled with a loss that Sluice computes"

    /// The function.
    let function: Function
    /// Whether the outputs are logits rather than probabilities.
    private(set) var takesLogits = false
    /// The fraction of each label that is spread over all classes.
    private(set) var labelSmoothing = 0.0
    /// The number of classes; nil if a label may be any number.
    private(set) var classes: Int?

    /// The loss for one sigmoid.
    static let binaryCrossEntropy = Loss(function: .binaryCrossEntropy, classes: 2)

    /// The loss for a softmax.
    static func sparseCategoricalCrossEntropy(classes: Int) -> Loss {
        Loss(function: .sparseCategoricalCrossEntropy, classes: classes)
    }

    private init(function: Function, classes: Int?) {
        self.function = function
        self.classes = classes
    }

    /// Creates the loss with which a model was compiled or, failing that, the loss that suits its outputs; nil if no
    /// loss suits them.
    ///
    /// - Parameters:
    ///   - outputs: The number of outputs that the model has.
    ///   - meaning: The meaning of the outputs.
    ///   - compiled: The loss with which the model was compiled.
    init?(outputs: Int, meaning: OutputMeaning, compiled: CompiledLoss?) {
        let isNumber = meaning == .number
        if let compiled, let function = Function(rawValue: compiled.name), function.hasOutputPerClass == (outputs > 1) {
            self.function = function
            takesLogits = compiled.fromLogits
            labelSmoothing = compiled.labelSmoothing
            let isDistance = function == .meanSquaredError || function == .meanAbsoluteError
            classes = isDistance && isNumber ? nil : max(2, outputs)
        } else {
            // The loss of several sigmoids would need one label per class. There is only one label per answer, so several
            // outputs get the cross-entropy between classes.
            guard !isNumber else { return nil }
            self = outputs == 1 ? .binaryCrossEntropy : .sparseCategoricalCrossEntropy(classes: outputs)
            takesLogits = meaning == .logit
        }
    }

    /// Returns the loss of one answer.
    ///
    /// Each probability is first limited to [ε, 1 − ε]. The cross-entropy is `−y ln p − (1 − y) ln(1 − p)` for one
    /// output, and `−Σ y ln(p / Σ p)` for several outputs. For a logit x, −ln(1 + e⁻ˣ) replaces ln p. For logits of
    /// classes, the logarithm of their softmax replaces ln p.
    ///
    /// Source: `binary_crossentropy`, `sparse_categorical_crossentropy` and `categorical_crossentropy`,
    /// <https://github.com/keras-team/keras/blob/master/keras/src/backend/tensorflow/nn.py>; ε is
    /// `keras.config.epsilon()`.
    ///
    /// - Parameters:
    ///   - outputs: The answer, shape (outputs).
    ///   - label: The label, which must be below ``classes`` if there are classes.
    /// - Returns: The loss, at least 0; NaN if an output is NaN.
    func callAsFunction(_ outputs: Span<Float>, label: Float) -> Double {
        switch function {
        case .meanSquaredError: (Double(outputs[0]) - Double(label)) * (Double(outputs[0]) - Double(label))
        case .meanAbsoluteError: abs(Double(outputs[0]) - Double(label))
        case .binaryCrossEntropy: binaryCrossEntropy(outputs[0], label: Double(label))
        case .sparseCategoricalCrossEntropy, .categoricalCrossEntropy:
            categoricalCrossEntropy(outputs, label: Int(label))
        }
    }

    private func binaryCrossEntropy(_ output: Float, label: Double) -> Double {
        let y = label * (1 - labelSmoothing) + labelSmoothing / 2
        if takesLogits {
            let x = Double(output)
            return max(x, 0) - x * y + log1p(exp(-abs(x)))
        }
        let p = Self.clipped(output)
        return (y == 0 ? 0 : -y * log(p)) - (y == 1 ? 0 : (1 - y) * log(1 - p))
    }

    private func categoricalCrossEntropy(_ outputs: Span<Float>, label: Int) -> Double {
        var logarithms: [Double] = []
        for index in outputs.indices {
            logarithms.append(takesLogits ? Double(outputs[index]) : log(Self.clipped(outputs[index])))
        }
        let largest = logarithms.max() ?? 0
        let sum = log(logarithms.reduce(0) { $0 + exp($1 - largest) }) + largest
        // Keras smooths only one-hot labels.
        let smoothing = function == .categoricalCrossEntropy ? labelSmoothing : 0
        let spread = smoothing / Double(logarithms.count)
        let rest = spread == 0 ? 0 : logarithms.reduce(0) { $0 + (sum - $1) * spread }
        return (sum - logarithms[label]) * (1 - smoothing) + rest
    }

    /// Returns whether Keras counts an answer as correct. A single output, even a logit, must be above 0.5 if the label
    /// is 1, and must not be above 0.5 otherwise. With several outputs, the first of the largest outputs must belong to
    /// the label.
    ///
    /// Source: Keras' `BinaryAccuracy` and `SparseCategoricalAccuracy`,
    /// <https://keras.io/api/metrics/accuracy_metrics/>.
    ///
    /// - Parameters:
    ///   - outputs: The answer, shape (outputs).
    ///   - label: The label, which must be below ``classes``.
    /// - Returns: Whether the answer is correct.
    func isRight(_ outputs: Span<Float>, label: Int) -> Bool {
        outputs.count == 1 ? (outputs[0] > 0.5) == (label == 1) : outputs.indexOfLargest == label
    }

    private static func clipped(_ probability: Float) -> Double {
        let epsilon: Float = 1e-7
        // Preserve NaN, so that it shows in the loss.
        return probability.isNaN ? .nan : Double(max(epsilon, min(probability, 1 - epsilon)))
    }
}

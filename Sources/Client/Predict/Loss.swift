import Foundation
import Recurrent

/// The distance of an answer from its label, as Keras measures it for a model that ends in probabilities.
enum Loss: Equatable, Sendable {
    /// The loss for one sigmoid, with labels 0 and 1.
    case binaryCrossEntropy
    /// The loss for a softmax over classes. The label is the number of a class.
    case sparseCategoricalCrossEntropy(classes: Int)

    /// The explanation for a model without a loss.
    static let lacking = "the model ends neither in one sigmoid nor in a softmax"

    /// Creates the loss that fits a model's last layer; nil if its output is not a probability.
    init?(for model: Model) {
        let activation: Activation? =
            switch model.layers.last {
            case let layer as Dense: layer.activation
            case let layer as ActivationLayer: layer.activation
            default: nil
            }
        switch activation {
        case .sigmoid, .hardSigmoid, .hardSigmoidOfKeras2:
            guard model.outputs == 1 else { return nil }
            self = .binaryCrossEntropy
        case .softmax:
            guard model.outputs > 1 else { return nil }
            self = .sparseCategoricalCrossEntropy(classes: model.outputs)
        default: return nil
        }
    }

    /// The number of classes.
    var classes: Int {
        switch self {
        case .binaryCrossEntropy: 2
        case .sparseCategoricalCrossEntropy(let classes): classes
        }
    }

    /// Returns the loss of one answer. Each probability is first limited to [ε, 1 − ε]. For one output the loss is `−y
    /// ln p − (1 − y) ln(1 − p)`, for several `−ln(p[y] / Σ p)`, with the label y.
    ///
    /// Source: `binary_crossentropy` and `sparse_categorical_crossentropy` of probabilities,
    /// <https://github.com/keras-team/keras/blob/master/keras/src/backend/tensorflow/nn.py>; ε is
    /// `keras.config.epsilon()`.
    ///
    /// - Parameters:
    ///   - probabilities: Shape (outputs).
    ///   - label: Below ``classes``.
    /// - Returns: The loss, at least 0; NaN if a probability is NaN.
    func callAsFunction(_ probabilities: Span<Float>, label: Int) -> Double {
        switch self {
        case .binaryCrossEntropy:
            let p = Self.clipped(probabilities[0])
            return -log(label == 1 ? p : 1 - p)
        case .sparseCategoricalCrossEntropy:
            var sum = 0.0
            for index in probabilities.indices { sum += Self.clipped(probabilities[index]) }
            return -log(Self.clipped(probabilities[label]) / sum)
        }
    }

    /// Returns whether an answer is right. With one output, the answer must be above 0.5 exactly if the label is 1.
    /// With several outputs, the first of the largest must belong to the label.
    ///
    /// Source: Keras' `BinaryAccuracy` and `SparseCategoricalAccuracy`,
    /// <https://keras.io/api/metrics/accuracy_metrics/>.
    ///
    /// - Parameters:
    ///   - probabilities: Shape (outputs).
    ///   - label: Below ``classes``.
    /// - Returns: Whether the decided class is the label.
    func isRight(_ probabilities: Span<Float>, label: Int) -> Bool {
        switch self {
        case .binaryCrossEntropy: (probabilities[0] > 0.5) == (label == 1)
        case .sparseCategoricalCrossEntropy: PredictionText.label(for: probabilities) == label
        }
    }

    private static func clipped(_ probability: Float) -> Double {
        let epsilon: Float = 1e-7
        // A NaN stays a NaN so that the loss shows it.
        return probability.isNaN ? .nan : Double(max(epsilon, min(probability, 1 - epsilon)))
    }
}

/// The results of Keras' `evaluate` for answers and their labels.
struct Evaluation: Equatable, Sendable {
    /// The number of answers with a label.
    private(set) var count = 0
    /// The number of right answers.
    private(set) var rightCount = 0
    private var lossSum = 0.0

    /// The mean loss.
    var loss: Double { lossSum / Double(count) }
    /// The fraction of right answers.
    var accuracy: Double { Double(rightCount) / Double(count) }

    /// Adds one answer.
    ///
    /// - Parameters:
    ///   - probabilities: The model's answer to a whole sequence, shape (outputs).
    ///   - label: The expected class.
    ///   - loss: The loss function.
    mutating func add(_ probabilities: Span<Float>, label: Int, loss: Loss) {
        count += 1
        rightCount += loss.isRight(probabilities, label: label) ? 1 : 0
        lossSum += loss(probabilities, label: label)
    }

    /// Adds the counts of another evaluation.
    mutating func add(_ other: Evaluation) {
        count += other.count
        rightCount += other.rightCount
        lossSum += other.lossSum
    }
}

import Foundation
import Recurrent

/// How far an answer is from its label, as Keras measures it for a model with probabilities at its end.
enum Loss: Equatable, Sendable {
    /// One sigmoid, labels 0 and 1.
    case binaryCrossEntropy
    /// A softmax over so many classes, the label is the number of one.
    case sparseCategoricalCrossEntropy(classes: Int)

    /// What people call a model that has neither.
    static let lacking = "the model ends neither in one sigmoid nor in a softmax"

    /// The loss that fits a model's last layer; nil where what it gives is no probability.
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

    /// How many classes there are.
    var classes: Int {
        switch self {
        case .binaryCrossEntropy: 2
        case .sparseCategoricalCrossEntropy(let classes): classes
        }
    }

    /// The loss of one answer, each probability brought within [ε, 1 − ε] first: for one output
    /// `−y ln p − (1 − y) ln(1 − p)`, for several `−ln(p[y] / Σ p)`, y being the label.
    ///
    /// Source: `binary_crossentropy` and `sparse_categorical_crossentropy` of probabilities,
    /// <https://github.com/keras-team/keras/blob/master/keras/src/backend/tensorflow/nn.py>; ε is `keras.config.epsilon()`.
    ///
    /// - Parameters:
    ///   - probabilities: Shape (outputs).
    ///   - label: Below ``classes``.
    /// - Returns: The loss, at least 0; NaN where a probability is.
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

    /// Whether an answer is right: for one output above 0.5 where the label is 1, and only there; for several the first
    /// of the largest is that of the label.
    ///
    /// Source: Keras' `BinaryAccuracy` and `SparseCategoricalAccuracy`, <https://keras.io/api/metrics/accuracy_metrics/>.
    ///
    /// - Parameters:
    ///   - probabilities: Shape (outputs).
    ///   - label: Below ``classes``.
    /// - Returns: Whether the class decided on is the label.
    func isRight(_ probabilities: Span<Float>, label: Int) -> Bool {
        switch self {
        case .binaryCrossEntropy: (probabilities[0] > 0.5) == (label == 1)
        case .sparseCategoricalCrossEntropy: PredictionText.label(for: probabilities) == label
        }
    }

    private static func clipped(_ probability: Float) -> Double {
        let epsilon: Float = 1e-7
        // A NaN stays one: its loss must show it.
        return probability.isNaN ? .nan : Double(max(epsilon, min(probability, 1 - epsilon)))
    }
}

/// What Keras' `evaluate` tells of answers and their labels.
struct Evaluation: Equatable, Sendable {
    /// How many answers had a label.
    private(set) var count = 0
    /// How many of these were right.
    private(set) var rightCount = 0
    private var lossSum = 0.0

    /// The mean loss.
    var loss: Double { lossSum / Double(count) }
    /// The share of right answers.
    var accuracy: Double { Double(rightCount) / Double(count) }

    /// Adds one answer.
    ///
    /// - Parameters:
    ///   - probabilities: The model's answer to a whole sequence, shape (outputs).
    ///   - label: What it should be.
    ///   - loss: How far it is from that.
    mutating func add(_ probabilities: Span<Float>, label: Int, loss: Loss) {
        count += 1
        rightCount += loss.isRight(probabilities, label: label) ? 1 : 0
        lossSum += loss(probabilities, label: label)
    }

    /// Adds what another has counted.
    mutating func add(_ other: Evaluation) {
        count += other.count
        rightCount += other.rightCount
        lossSum += other.lossSum
    }
}

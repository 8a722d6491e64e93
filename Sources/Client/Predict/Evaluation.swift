import Foundation

/// The metrics that Keras' `evaluate` computes from answers and their labels.
struct Evaluation: Equatable, Sendable {
    /// A combination of a label and a decided class.
    private struct Outcome: Hashable {
        let label: Int
        let decided: Int
    }

    /// The number of answers with a label.
    private(set) var count = 0
    /// The number of answers that Keras counts as correct.
    private(set) var rightCount = 0
    private var lossSum = 0.0
    private var outcomes: [Outcome: Int] = [:]
    private var curve = AreaUnderCurve()

    /// The mean loss.
    var loss: Double { lossSum / Double(count) }
    /// The fraction of answers that Keras counts as correct.
    var accuracy: Double { Double(rightCount) / Double(count) }
    /// The area under the ROC curve of a binary classifier; nil if a class has no answers.
    var areaUnderCurve: Double? { curve.value }

    /// Adds one answer.
    ///
    /// - Parameters:
    ///   - outputs: The model's answer, shape (outputs).
    ///   - label: The label, which is a class index if the loss has classes.
    ///   - decided: The decided class.
    ///   - loss: The loss function.
    mutating func add(_ outputs: Span<Float>, label: Float, decided: Int, loss: Loss) {
        count += 1
        lossSum += loss(outputs, label: label)
        guard loss.classes != nil else { return }
        rightCount += loss.isRight(outputs, label: Int(label)) ? 1 : 0
        outcomes[Outcome(label: Int(label), decided: decided), default: 0] += 1
        guard outputs.count == 1 else { return }
        let probability = loss.takesLogits ? 1 / (1 + expf(-outputs[0])) : outputs[0]
        curve.add(probability, isPositive: label == 1)
    }

    /// Adds the counts of another evaluation.
    mutating func add(_ other: Evaluation) {
        count += other.count
        rightCount += other.rightCount
        lossSum += other.lossSum
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
        curve.add(other.curve)
    }

    /// Returns the confusion matrix: the number of answers for each label (row) and decided class (column), shape
    /// (classes, classes).
    func confusion(classes: Int) -> [[Int]] {
        var matrix = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
        for (outcome, count) in outcomes { matrix[outcome.label][outcome.decided] = count }
        return matrix
    }

    /// Returns the precision for a class: the fraction of correct answers among all answers that decided for the class.
    /// As in Keras, the precision is 0 if there are no such answers.
    func precision(ofClass index: Int) -> Double {
        fraction(ofClass: index) { $0.decided == index }
    }

    /// Returns the recall for a class: the fraction of correct answers among all answers whose label is the class. As
    /// in Keras, the recall is 0 if there are no such answers.
    func recall(ofClass index: Int) -> Double {
        fraction(ofClass: index) { $0.label == index }
    }

    private func fraction(ofClass index: Int, among isCounted: (Outcome) -> Bool) -> Double {
        let right = outcomes[Outcome(label: index, decided: index)] ?? 0
        let all = outcomes.reduce(0) { $0 + (isCounted($1.key) ? $1.value : 0) }
        return all == 0 ? 0 : Double(right) / Double(all)
    }
}

/// The area under the ROC curve by Keras' method: 200 evenly spaced thresholds and the trapezoidal rule.
///
/// Source: `AUC` with its defaults, <https://keras.io/api/metrics/classification_metrics/#auc-class>.
struct AreaUnderCurve: Equatable, Sendable {
    private static let thresholds = 200

    /// The numbers of positive and negative answers in each bucket. Bucket i contains the probabilities above threshold
    /// i and up to threshold i + 1.
    private var positives: [Int: Int] = [:]
    private var negatives: [Int: Int] = [:]

    /// Adds one answer.
    mutating func add(_ probability: Float, isPositive: Bool) {
        let bucket = (min(max(probability, 0), 1) * Float(Self.thresholds - 1)).rounded(.up) - 1
        let index = bucket.isNaN ? 0 : max(0, Int(bucket))
        if isPositive {
            positives[index, default: 0] += 1
        } else {
            negatives[index, default: 0] += 1
        }
    }

    /// Adds the answers counted in another curve.
    mutating func add(_ other: AreaUnderCurve) {
        positives.merge(other.positives, uniquingKeysWith: +)
        negatives.merge(other.negatives, uniquingKeysWith: +)
    }

    /// The area; nil if a class has no answers.
    var value: Double? {
        let all = (positives.values.reduce(0, +), negatives.values.reduce(0, +))
        guard all.0 > 0, all.1 > 0 else { return nil }
        var (area, hits) = (0.0, 0)
        // Go from the highest threshold, which no answer exceeds, down to the lowest one, which every answer exceeds.
        for index in (0..<Self.thresholds).reversed() {
            let (newHits, newAlarms) = (positives[index] ?? 0, negatives[index] ?? 0)
            let height = Double(2 * hits + newHits) / Double(2 * all.0)
            area += height * Double(newAlarms) / Double(all.1)
            hits += newHits
        }
        return area
    }
}

/// The counts from which accuracy, precision, recall and the area under the ROC curve are computed, as in Keras
/// (<https://keras.io/api/metrics/>).
package struct MetricTally: Equatable, Sendable {
    /// The thresholds of the area under the curve: Keras' `num_thresholds`.
    private static let thresholds = 200

    /// The number of labels.
    package private(set) var count = 0
    /// The number of predictions whose class is the label. With one output, a probability above 0.5 means class 1. With
    /// several outputs, the largest determines the class.
    private var correct = 0.0
    /// Whether to collect counts for the area under the curve.
    private let hasCurve: Bool
    /// For each threshold, the number of predictions with the label 1 (`positives`) and with the label 0 (`negatives`).
    /// A prediction is counted once, at the largest threshold that its probability exceeds. Empty until the predictions
    /// of another tally are added.
    private var positives: [Int] = []
    private var negatives: [Int] = []
    /// The predictions that are in neither of the two yet. A list takes less time than 400 counts if a batch has only a
    /// few predictions.
    private var uncounted: [CurvePoint] = []
    private var ones = 0
    private var truePositives = 0
    private var falsePositives = 0
    /// Whether the model has a single output.
    private var isBinary = false

    /// Creates a tally without counts.
    ///
    /// - Parameter hasCurve: Whether to collect counts for the area under the curve.
    package init(hasCurve: Bool = false) { self.hasCurve = hasCurve }

    /// Counts a prediction.
    ///
    /// - Parameters:
    ///   - prediction: The model's outputs.
    ///   - outputs: The number of outputs.
    ///   - label: The targets of all outputs, or the index of a class.
    mutating func add(_ prediction: Values<Float>, outputs: Int, label: ArraySlice<Float>) {
        count += 1
        let first = label[label.startIndex]
        guard outputs == 1 else {
            let largest = (0..<outputs).max { prediction[$0] < prediction[$1] }
            let expected =
                label.count == 1
                ? Int(first) : label.indices.max { label[$0] < label[$1] }.map { $0 - label.startIndex }
            if largest == expected { correct += 1 }
            return
        }
        let (p, target) = (prediction[0], first)
        let isPositive = p > 0.5
        if (isPositive ? 1 : 0) == target { correct += 1 }
        isBinary = true
        if target > 0.5 { ones += 1 }
        if isPositive {
            if target > 0.5 { truePositives += 1 } else { falsePositives += 1 }
        }
        guard hasCurve else { return }
        let exceeded = min(max(0, (p * Float(Self.thresholds - 1)).rounded(.up) - 1), Float(Self.thresholds - 1))
        uncounted.append(CurvePoint(threshold: exceeded.isFinite ? UInt16(exceeded) : 0, isPositive: target > 0.5))
    }

    /// A prediction, as it counts for the area under the curve.
    private struct CurvePoint: Equatable {
        /// The largest threshold that the probability exceeds.
        let threshold: UInt16
        /// Whether the label is 1.
        let isPositive: Bool
    }

    private mutating func count(_ points: [CurvePoint]) {
        guard !points.isEmpty else { return }
        if positives.isEmpty {
            positives = Array(repeating: 0, count: Self.thresholds)
            negatives = positives
        }
        for point in points {
            if point.isPositive { positives[Int(point.threshold)] += 1 } else { negatives[Int(point.threshold)] += 1 }
        }
    }

    /// Adds the counts of another tally.
    mutating func add(_ other: MetricTally) {
        count += other.count
        correct += other.correct
        truePositives += other.truePositives
        falsePositives += other.falsePositives
        ones += other.ones
        isBinary = isBinary || other.isBinary
        count(other.uncounted)
        guard !other.positives.isEmpty else { return }
        positives = positives.isEmpty ? other.positives : zip(positives, other.positives).map { $0 + $1 }
        negatives = negatives.isEmpty ? other.negatives : zip(negatives, other.negatives).map { $0 + $1 }
    }

    /// The fraction of predictions that are correct; NaN if there are no predictions.
    package var accuracy: Double { correct / Double(count) }

    /// The fraction of predictions of class 1 that are correct; 0 if class 1 was never predicted. Nil if the model has
    /// several outputs.
    package var precision: Double? {
        isBinary ? Self.quotient(truePositives, truePositives + falsePositives) : nil
    }

    /// The fraction of outputs with the label 1 for which class 1 was predicted; 0 if no output has the label 1. Nil if
    /// the model has several outputs.
    package var recall: Double? { isBinary ? Self.quotient(truePositives, ones) : nil }

    /// The area under the ROC curve, computed from 200 thresholds. Nil if the model has several outputs, or if no curve
    /// is measured.
    package var areaUnderCurve: Double? {
        guard uncounted.isEmpty else {
            var counted = self
            counted.uncounted = []
            counted.count(uncounted)
            return counted.areaUnderCurve
        }
        guard !positives.isEmpty else { return nil }
        let zeros = negatives.reduce(0, +)
        var (truePositives, falsePositives) = (0, 0)
        var before = (0.0, 0.0)
        var area = 0.0
        // Start at the highest threshold, where the fewest predictions are positive.
        for bucket in (0..<Self.thresholds).reversed() {
            truePositives += positives[bucket]
            falsePositives += negatives[bucket]
            let rates = (Self.quotient(truePositives, ones), Self.quotient(falsePositives, zeros))
            area += (rates.1 - before.1) * (rates.0 + before.0) / 2
            before = rates
        }
        return area
    }

    private static func quotient(_ a: Int, _ b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
}

import ModelFiles
import Streams

/// The size and the quality of a prediction, as `sluice evaluate` shows them.
struct EvaluationSummary: Encodable {
    /// The quality of the decisions for one class.
    struct OfClass: Encodable {
        let label: Int
        let precision: Double
        let recall: Double
    }

    /// The maximum number of classes for which the confusion matrix is shown.
    private static let mostClasses = 20

    let sequences: Int
    let timesteps: Int
    /// The number of sequences with a label and an answer.
    let labelled: Int
    /// The mean loss; nil if it is not finite, which JSON cannot express.
    let loss: Double?
    /// The name of the loss in Keras.
    let lossName: String
    /// The loss with which the model was compiled, if Sluice does not compute it.
    let otherLoss: String?
    /// The accuracy as Keras computes it; nil for a model that is not a classifier.
    private(set) var accuracy: Double?
    private let right: Int
    /// The area under the ROC curve as Keras computes it, for a binary classifier.
    private(set) var auc: Double?
    /// The decision threshold, for a binary classifier.
    private(set) var threshold: Float?
    /// The precision and recall for label 1, for a binary classifier.
    private(set) var precision: Double?
    private(set) var recall: Double?
    /// The precision and recall for each class, for a classifier with several outputs.
    private(set) var classes: [OfClass]?
    /// The number of answers for each label (row) and decided class (column); nil if there are too many classes.
    private(set) var confusion: [[Int]]?

    private enum CodingKeys: String, CodingKey {
        case sequences, timesteps, labelled, loss, accuracy, auc, threshold, precision, recall, classes, confusion
        case lossName = "loss_name"
        case otherLoss = "compiled_loss"
    }

    /// Creates a summary.
    ///
    /// - Parameters:
    ///   - evaluation: The evaluation of at least one answer.
    ///   - collector: The sequences.
    ///   - loss: The loss of the evaluation.
    ///   - compiled: The loss with which the model was compiled.
    ///   - threshold: The threshold of the decisions.
    init(
        _ evaluation: Evaluation, of collector: SequenceCollector, loss: Loss, compiled: CompiledLoss?,
        threshold: ServingPolicy.Threshold
    ) {
        sequences = collector.sequences.count
        timesteps = collector.timesteps
        labelled = evaluation.count
        self.loss = evaluation.loss.isFinite ? evaluation.loss : nil
        lossName = loss.function.rawValue
        otherLoss = compiled.flatMap { $0.name == loss.function.rawValue ? nil : $0.name }
        right = evaluation.rightCount
        guard let classes = loss.classes else { return }
        accuracy = evaluation.accuracy
        if classes <= Self.mostClasses { confusion = evaluation.confusion(classes: classes) }
        if !loss.function.hasOutputPerClass {
            auc = evaluation.areaUnderCurve
            self.threshold = threshold.rise
            precision = evaluation.precision(ofClass: 1)
            recall = evaluation.recall(ofClass: 1)
        } else {
            self.classes = (0..<classes).map {
                OfClass(
                    label: $0, precision: evaluation.precision(ofClass: $0), recall: evaluation.recall(ofClass: $0))
            }
        }
    }

    /// Returns the lines of the summary: human-readable with rounded numbers, or JSON with exact numbers.
    func lines(as text: PredictionText) throws(ClientError) -> [String] {
        if text == .json { return [try JSONText.line(of: self)] }
        let extent = "\(Quantity.count(sequences)) of \(Quantity.count(timesteps, of: "timestep"))"
        var facts = TextTable([.init("sequences"), .init(extent)])
        facts.append(["labelled", Quantity.count(labelled)])
        let other = otherLoss.map { "; compiled with \($0), which Sluice does not compute" } ?? ""
        facts.append(["loss", "\(Quantity.fixed(loss ?? .nan, digits: 4)) (\(lossName)\(other))"])
        if let accuracy {
            let counts =
                "\(Quantity.count(right)) of \(Quantity.count(labelled))\(precision == nil ? "" : ", above 0.5")"
            facts.append(["accuracy", "\(Quantity.fixed(accuracy, digits: 4)) (\(counts))"])
        }
        if let auc { facts.append(["AUC", "\(Quantity.fixed(auc, digits: 4)) (200 thresholds)"]) }
        if let precision, let recall {
            facts.append(["precision", Quantity.fixed(precision, digits: 4)])
            facts.append(["recall", Quantity.fixed(recall, digits: 4)])
            facts.append(["threshold", Quantity.decimal(threshold ?? 0)])
        }
        return facts.lines + matrix
    }

    /// The lines of the confusion matrix. With several outputs, each line includes the precision and recall of its
    /// class.
    private var matrix: [String] {
        guard let confusion else {
            let hint = "more than \(Self.mostClasses) classes; --json has the precision and recall of each"
            return classes == nil ? [] : ["", hint]
        }
        let decided = confusion.indices.map { TextTable.Column("decided \($0)", .right) }
        let quality = classes == nil ? [] : ["precision", "recall"].map { TextTable.Column($0, .right) }
        var table = TextTable([.init("")] + decided + quality)
        for (label, row) in confusion.enumerated() {
            let ofClass = classes.map { [$0[label].precision, $0[label].recall] } ?? []
            table.append(
                ["label \(label)"] + row.map { Quantity.count($0) } + ofClass.map { Quantity.fixed($0, digits: 4) })
        }
        return [""] + table.lines
    }
}

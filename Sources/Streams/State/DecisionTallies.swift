import Wire

/// The published decisions of one model since the start, by label and by probability.
public struct ModelTally: Equatable, Sendable {
    /// The number of parts into which the range of probabilities is divided.
    public static let parts = 20

    /// The number of decisions for each label.
    public let labels: [UInt64]
    /// The number of decisions whose probability lies in each part of the range from 0 to 1. The upper bound of a part
    /// belongs to it. Nil if the model's outputs are not probabilities.
    public let probabilities: [UInt64]?
    /// The sum of the counted probabilities.
    public let sum: Double
}

/// Counts the decisions of each model since the start.
///
/// All counts stand in one array, so that counting a decision needs no references and allocates nothing:
///
///     | model 0: 20 parts, 256 labels | model 1: 20 parts, 256 labels | …
struct DecisionTallies {
    private static let labels = 256
    private static let stride = ModelTally.parts + labels

    private var counts: [UInt64]
    private var sums: [Double]

    init(models: Int) {
        counts = [UInt64](repeating: 0, count: models * Self.stride)
        sums = [Double](repeating: 0, count: models)
    }

    /// Counts the records of a message.
    ///
    /// - Parameters:
    ///   - records: Whole records.
    ///   - model: The index of the model.
    ///   - areProbabilities: Whether the model's outputs are probabilities.
    @inline(__always)
    mutating func count(_ records: Span<UInt8>, of model: Int, areProbabilities: Bool) {
        let bytes = unsafe records.bytes
        let first = model * Self.stride
        var span = counts.mutableSpan
        var sum = 0.0
        var offset = 0
        while offset < bytes.byteCount {
            let record = Decision.Summary(bytes, at: offset)
            span[first + ModelTally.parts + Int(record.label)] &+= 1
            // NaN is neither of the two, so it is not counted.
            if areProbabilities, record.probability >= 0, record.probability <= 1 {
                span[first + Self.part(of: record.probability)] &+= 1
                sum += Double(record.probability)
            }
            offset += record.size
        }
        sums[model] += sum
    }

    /// Returns the part that contains a probability. Counted from 1 down, truncation makes the upper bound of a part
    /// belong to it.
    private static func part(of probability: Float) -> Int {
        max(0, ModelTally.parts - 1 - Int((1 - probability) * Float(ModelTally.parts)))
    }

    /// Returns the counts of a model with `outputs` outputs.
    func tally(of model: Int, outputs: Int, areProbabilities: Bool) -> ModelTally {
        let first = model * Self.stride
        let middle = first + ModelTally.parts
        return ModelTally(
            labels: Array(counts[middle..<middle + max(2, outputs)]),
            probabilities: areProbabilities ? Array(counts[first..<middle]) : nil, sum: sums[model])
    }
}

extension StreamTable {
    /// Counts published decisions by model. The hot path calls this once the decisions are published, so that they do
    /// not wait.
    public mutating func countByModel(_ decided: borrowing DecidedBatch) {
        for message in 0..<decided.count {
            let model = streams[decided.slot(of: message)].model
            tallies.count(
                decided.records(of: message), of: model, areProbabilities: rules[model].areProbabilities)
        }
    }

    /// The published decisions of each model since the start, in the order of ``models``.
    public var modelTallies: [ModelTally] {
        models.indices.map { index in
            tallies.tally(
                of: index, outputs: models[index].model.outputs, areProbabilities: rules[index].areProbabilities)
        }
    }
}

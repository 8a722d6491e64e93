import Recurrent
import Wire

/// The published decisions of one model since the start, by label and by probability.
public struct ModelTally: Equatable, Sendable {
    /// The number of parts into which the range of probabilities is divided.
    public static let parts = 20

    /// The number of decisions for each label.
    public private(set) var labels: [UInt64]
    /// The number of decisions whose probability lies in each part of the range from 0 to 1. The upper bound of a part
    /// belongs to that part. Nil if the model's outputs are not probabilities.
    public private(set) var probabilities: [UInt64]?
    /// The sum of the counted probabilities.
    public private(set) var sum: Double

    /// Creates a tally. Each parameter sets the property of the same name.
    package init(labels: [UInt64], probabilities: [UInt64]?, sum: Double) {
        self.labels = labels
        self.probabilities = probabilities
        self.sum = sum
    }

    /// Creates an empty tally.
    package init(of model: ServedModel) {
        labels = [UInt64](repeating: 0, count: max(2, model.model.outputs))
        probabilities = model.rule.areProbabilities ? [UInt64](repeating: 0, count: Self.parts) : nil
        sum = 0
    }

    /// Adds the decisions that the same model has made elsewhere.
    public static func += (tally: inout ModelTally, other: ModelTally) {
        tally.labels = sum(of: tally.labels, other.labels)
        if let counts = tally.probabilities, let others = other.probabilities {
            tally.probabilities = sum(of: counts, others)
        }
        tally.sum += other.sum
    }

    /// Returns the sums of counts. After a reload, a model may have more labels than before.
    private static func sum(of counts: [UInt64], _ others: [UInt64]) -> [UInt64] {
        (0..<max(counts.count, others.count)).map { index in
            (index < counts.count ? counts[index] : 0) + (index < others.count ? others[index] : 0)
        }
    }
}

/// Counts the decisions of each model since the start. Counting involves no allocation and no reference counting.
///
///     counts: | model 0: 20 parts, 256 labels | model 1: 20 parts, 256 labels | …
struct DecisionTallies: ~Copyable {
    private static let labels = 256
    private static let stride = ModelTally.parts + labels

    private var counts: GrowingBuffer<UInt64>
    private var sums: GrowingBuffer<Double>

    init(models: Int) {
        counts = GrowingBuffer(repeating: 0, count: models * Self.stride)
        sums = GrowingBuffer(repeating: 0, count: models)
    }

    /// Counts the records of a message.
    ///
    /// - Parameters:
    ///   - records: Whole records of one model, at least one.
    ///   - model: The index of the model.
    ///   - areProbabilities: Whether the model's outputs are probabilities.
    @inline(__always)
    mutating func count(_ records: Span<UInt8>, of model: Int, areProbabilities: Bool) {
        let bytes = unsafe records.bytes
        var counts = self.counts[from: model * Self.stride]
        // All records of a model have the same size, so the processor need not read one to find the next.
        let first = Decision.Summary(bytes, at: 0)
        var sum = 0.0
        var offset = 0
        while offset < bytes.byteCount {
            let record = Decision.Summary(bytes, at: offset, outputs: first.outputs)
            counts[ModelTally.parts + Int(record.label)] &+= 1
            // NaN and infinities are left out.
            if areProbabilities, record.probability >= 0, record.probability <= 1 {
                counts[Self.part(of: record.probability)] &+= 1
                sum += Double(record.probability)
            }
            offset &+= first.size
        }
        sums[model] += sum
    }

    /// Returns the part that contains a probability.
    ///
    /// The calculation measures the distance from 1, so that truncation puts the upper bound of a part into that part.
    /// A float from 1 to 2 has its fraction in the low 23 bits. Arithmetic on those bits is faster than a checked
    /// conversion.
    @inline(__always)
    private static func part(of probability: Float) -> Int {
        let fraction = (2 - probability).bitPattern &- Float(1).bitPattern
        return max(0, ModelTally.parts - 1 - Int((fraction &* UInt32(ModelTally.parts)) >> 23))
    }

    /// Returns the counts of a model with `outputs` outputs.
    func tally(of model: Int, outputs: Int, areProbabilities: Bool) -> ModelTally {
        let first = model * Self.stride
        let middle = first + ModelTally.parts
        return ModelTally(
            labels: (middle..<middle + max(2, outputs)).map { counts[$0] },
            probabilities: areProbabilities ? (first..<middle).map { counts[$0] } : nil, sum: sums[model])
    }
}

extension StreamTable {
    /// Counts published decisions by model. The hot path calls this after publishing, so that the decisions do not wait
    /// for it.
    public mutating func countByModel(_ decided: borrowing DecidedBatch) {
        for message in 0..<decided.count {
            let model = streams[decided.slot(of: message)].model
            tallies.count(
                decided.records(of: message), of: model, areProbabilities: rules[model].areProbabilities)
        }
    }

    /// Sets ``counters`` and ``modelTallies`` to zero.
    package mutating func resetCounters() {
        ledger.counters = StreamCounters()
        tallies = DecisionTallies(models: models.count)
    }

    /// The tally of each model's published decisions since the start, in the order of ``models``.
    public var modelTallies: [ModelTally] {
        var tallies: [ModelTally] = []
        for (index, served) in models.enumerated() {
            tallies.append(
                self.tallies.tally(
                    of: index, outputs: served.model.outputs, areProbabilities: rules[index].areProbabilities))
        }
        return tallies
    }
}

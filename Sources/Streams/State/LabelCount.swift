/// Counts the streams of each model by the label of their last decision, some slots at a time.
///
/// Nothing is kept while streams are decided, so the count costs the hot path nothing. A count of a million streams reads
/// 40 MB, in slices between which timesteps are handled. Streams that change their label meanwhile are counted with
/// either one.
public struct LabelCount: Sendable {
    private static let labels = 256

    fileprivate var slot = 0
    /// For each model, the number of streams by label.
    private var counts: [UInt64]

    fileprivate init(models: Int) { counts = [UInt64](repeating: 0, count: models * Self.labels) }

    fileprivate mutating func add(_ label: UInt8, of model: Int) { counts[model * Self.labels + Int(label)] += 1 }

    fileprivate func counts(of model: Int, labels: Int) -> [UInt64] {
        Array(counts[model * Self.labels..<model * Self.labels + labels])
    }
}

extension StreamTable {
    /// Begins a count.
    public func beginLabelCount() -> LabelCount { LabelCount(models: models.count) }

    /// Continues a count.
    ///
    /// - Parameters:
    ///   - count: The count.
    ///   - slots: The maximum number of slots to look at.
    /// - Returns: For each model, the number of streams by label, once all slots have been looked at; nil before. Streams
    ///   without a decision are left out.
    public func goOn(with count: inout LabelCount, slots: Int) -> [[UInt64]]? {
        let end = min(count.slot + slots, index.slots.upperBound)
        while count.slot < end {
            if index.isTaken(count.slot), let label = streams[count.slot].label {
                count.add(label, of: streams[count.slot].model)
            }
            count.slot += 1
        }
        guard end == index.slots.upperBound else { return nil }
        return models.indices.map { count.counts(of: $0, labels: max(2, models[$0].model.outputs)) }
    }

    /// Returns the number of streams by label of each model, in one go.
    package func labelCounts() -> [[UInt64]] {
        var count = beginLabelCount()
        return goOn(with: &count, slots: .max) ?? []
    }
}

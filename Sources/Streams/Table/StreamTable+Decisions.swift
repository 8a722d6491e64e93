public import Wire

/// Combines decisions on many streams into one message, for the codec `batch`.
extension StreamTable {
    /// The range of consecutive messages of the same model that begins at an index of a decided batch.
    public func run(of decided: borrowing DecidedBatch, from first: Int) -> (model: Int, messages: Range<Int>) {
        let model = streams[decided.slot(of: first)].model
        var end = first + 1
        while end < decided.count, streams[decided.slot(of: end)].model == model { end += 1 }
        return (model, first..<end)
    }

    /// Appends the decisions on consecutive messages of the same model to a message of decisions, if all of them fit.
    ///
    /// - Parameters:
    ///   - decided: The decisions.
    ///   - run: The indices of the messages.
    ///   - batch: The message of decisions.
    /// - Returns: Whether the decisions fit. If not, none were appended.
    public func append(
        _ decided: borrowing DecidedBatch, _ run: Range<Int>, to batch: inout DecisionBatch
    ) -> Bool {
        var longest = 0
        for message in run { longest = max(longest, index.id(of: decided.slot(of: message)).count) }
        let recordSize = Decision.size(ofRecordIn: decided.records(of: run))
        guard var ids = batch.append(decided.records(of: run), longestID: longest) else { return false }
        for message in run {
            let byteCount = decided.records(of: message).count
            // Most messages have one record, and a division takes longer than the comparison.
            let count = byteCount == recordSize ? 1 : byteCount / recordSize
            ids.append(index.id(of: decided.slot(of: message)), count: count)
        }
        return true
    }
}

import Wire

/// Keeps the last decisions of streams, and answers requests for them. The history never affects a decision. It is kept
/// only in memory, so it is empty after a start. A reload of a model also empties the histories of the model's streams.
extension StreamTable {
    /// Discards the history, and begins a new one.
    ///
    /// - Parameters:
    ///   - points: The number of decisions to keep for each stream, at most ``maximumHistoryPoints``; 0 for none.
    ///   - bytes: The maximum size of all histories in bytes.
    public mutating func keepHistory(points: Int, bytes: Int) {
        history = HistoryRings(capacity: points, bytes: bytes)
    }

    /// The maximum number of decisions in the history of a stream.
    public static let maximumHistoryPoints = HistoryRings.maximumCapacity

    /// Notes the current time, for the next marks in histories.
    public mutating func noteTime(_ time: Int64) { history.time = time }

    /// Records published decisions, and all decisions of streams that publish only changes. The hot path calls this
    /// after publishing, so that the decisions do not wait for it.
    public mutating func recordHistory(_ decided: borrowing DecidedBatch) {
        guard history.isOn else { return }
        let hasNoted = decided.noted.count > 0
        for message in 0..<decided.count {
            let slot = decided.slot(of: message)
            let model = streams[slot].model
            if hasNoted, rules[model].emit == .change { continue }
            record(decided.records(of: message), of: slot, model: model)
        }
        if hasNoted { recordNoted(decided) }
    }

    private mutating func recordNoted(_ decided: borrowing DecidedBatch) {
        let time = decided.time ?? history.time
        var first = 0
        for number in 0..<decided.noted.count {
            let message = decided.noted[number]
            let slot = Int(message.slot)
            for output in first..<Int(message.end) {
                history.record(decided.records.noted[output], of: slot, model: streams[slot].model, at: time)
            }
            first = Int(message.end)
        }
    }

    @inline(__always)
    private mutating func record(_ records: Span<UInt8>, of slot: Int, model: Int) {
        let bytes = unsafe records.bytes
        var offset = 0
        while offset < bytes.byteCount {
            let record = Decision.Summary(bytes, at: offset)
            if record.flags.contains(.gap) { history.mark(.gap, of: slot, at: record.time) }
            history.record(record.probability, of: slot, model: model, at: record.time)
            offset += record.size
        }
    }

    /// Copies the histories of streams, together with their status.
    ///
    /// - Parameters:
    ///   - ids: The ids, in any order.
    ///   - limit: The maximum number of points per stream. The newest ones are copied.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The known streams, in the order of `ids`.
    public func histories(of ids: [String], limit: Int, time: Int64) -> HistoryCopies {
        copies(of: ids.compactMap { index.find($0.utf8.span) }, limit: limit, time: time)
    }

    func copies(of slots: [Int], limit: Int, time: Int64) -> HistoryCopies {
        let limit = min(limit, max(1, HistoryCopies.maximumPoints / max(1, slots.count)))
        let copied = slots.map { slot in
            let model = models[streams[slot].model]
            return HistoryCopies.Stream(
                status: status(of: slot, id: id(of: slot), time: time),
                threshold: model.model.outputs == 1 ? model.policy.threshold.rise : nil,
                history: history.copy(of: slot, limit: limit))
        }
        return HistoryCopies(
            streams: copied, points: history.capacity, held: history.heldCount,
            bytes: history.heldCount * HistoryRings.byteCount(history.capacity),
            limitBytes: history.maximumRings * HistoryRings.byteCount(history.capacity))
    }
}

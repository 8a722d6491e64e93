public import Wire

/// Provides the last values of streams for late subscribers.
extension StreamTable {
    /// Passes the last decision of each stream to a closure, as one record with the flag `replayed`.
    ///
    /// A record contains the sequence number, step and time of the stream's last timestep, and the stream's last
    /// outputs and label. Two kinds of streams are left out: hibernating streams, whose outputs are in the store, and,
    /// if `emit` is `final`, streams in the middle of a sequence, whose outputs have never been published.
    ///
    /// - Parameters:
    ///   - prefix: The id prefix of the streams to include.
    ///   - first: The first slot to visit: 0 in the first call, later the result of the previous call.
    ///   - limit: The maximum number of slots to look at.
    ///   - body: A closure that receives a stream's id, the index of its model, and its record. It returns whether it
    ///     accepted the record.
    /// - Returns: The first slot for the next call; nil at the end. If a record was not accepted, the next call begins
    ///   with that record's slot.
    /// - Throws: Any error that `body` throws.
    public func forEachLastValue<Failure: Error>(
        _ prefix: [UInt8], from first: Int, limit: Int,
        _ body: (Span<UInt8>, Int, borrowing DecisionRecords) throws(Failure) -> Bool
    ) throws(Failure) -> Int? {
        let end = min(index.slots.count, first + limit)
        var record = DecisionRecords()
        var slot = first
        while slot < end {
            if index.isTaken(slot), index.id(of: slot).begins(with: prefix), let label = lastLabel(of: slot) {
                let stream = streams[slot]
                record.append(
                    sequence: stream.sequence, step: stream.step, time: stream.time, flags: .replayed, label: label,
                    probabilities: memories[stream.model].outputs(of: stream.row).span)
                guard try body(index.id(of: slot), stream.model, record) else { return slot }
                record.removeAll()
            }
            slot += 1
        }
        return end < index.slots.count ? end : nil
    }

    /// The label of a stream's last decision; nil if the stream has no last value to publish.
    private func lastLabel(of slot: Int) -> UInt8? {
        let stream = streams[slot]
        guard !stream.isAsleep, rules[stream.model].emit != .final || stream.step == 0 else { return nil }
        return stream.label
    }
}

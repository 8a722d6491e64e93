public import Wire

/// Where streams stand, for subscribers that come late.
extension StreamTable {
    /// Tells the last answer of streams, each as one record marked `replayed`.
    ///
    /// A record is made of what the table has: the number, step and time of the stream's last timestep, its last answer and
    /// label. A stream that is asleep is left out, since its answer is in the store, and so is one whose `final` decisions
    /// alone are published while a sequence is under way: its last answer was not one of them.
    ///
    /// - Parameters:
    ///   - prefix: What the streams' ids begin with.
    ///   - first: The slot to begin at: 0 at first, then what the call before returned.
    ///   - limit: How many slots to look at.
    ///   - body: Is given a stream's id and its record; returns whether it has taken it.
    /// - Returns: Where the next call begins, the stream that was not taken among the rest; nil: all were looked at.
    /// - Throws: What `body` throws.
    public func replay<Failure: Error>(
        _ prefix: [UInt8], from first: Int, limit: Int,
        _ body: (Span<UInt8>, borrowing DecisionRecords) throws(Failure) -> Bool
    ) throws(Failure) -> Int? {
        let end = min(index.slots.count, first + limit)
        var record = DecisionRecords()
        var slot = first
        while slot < end {
            if index.isTaken(slot), index.id(of: slot).begins(with: prefix), let label = labelToReplay(of: slot) {
                let stream = streams[slot]
                record.append(
                    sequence: stream.sequence, step: stream.step, time: stream.time, flags: .replayed, label: label,
                    probabilities: memories[stream.model].outputs(of: stream.row).span)
                guard try body(index.id(of: slot), record) else { return slot }
                record.removeAll()
            }
            slot += 1
        }
        return end < index.slots.count ? end : nil
    }

    /// The label of a stream's last decision; nil where there is none to tell.
    private func labelToReplay(of slot: Int) -> UInt8? {
        let stream = streams[slot]
        guard !stream.isAsleep, rules[stream.model].emit != .final || stream.step == 0 else { return nil }
        return stream.label
    }
}

import Wire

/// Removes streams that have no timesteps for a long time.
///
/// The owner writes the idle streams to the log, with their sequence numbers. The record removes those streams whose
/// numbers are still the same when it is applied, so a timestep that comes before it keeps its stream.
extension PartitionOwner {
    /// The number of slots to look at in one turn, so that a record with all of their ids fits in a message.
    private static let slotsPerLook = 400
    /// The maximum time between two looks at all streams, in nanoseconds.
    private static let maximumInterval: Int64 = 1_000_000_000

    /// The progress of the looks at all streams.
    struct IdleLook {
        /// The slot at which to go on.
        var slot = 0
        /// The time of the next look.
        var due: Int64 = 0
    }

    mutating func forgetIdle() {
        guard let period = offer.forgetAfter, phase == .serving, now >= idleLook.due, let table else { return }
        let idle = table.streams.findIdle(from: idleLook.slot, limit: Self.slotsPerLook, idleFor: period, now: now)
        idleLook.slot = idle.next ?? 0
        if idle.next == nil { idleLook.due = now + min(period / 4, Self.maximumInterval) }
        let streams = table.streams.statuses(of: idle.ids, time: 0)
        guard !streams.isEmpty else { return }
        var record = ControlRecord()
        record.forget = streams.map { ControlRecord.IdleStream(stream: $0.stream, sequence: $0.sequence) }
        effects.append(.appendToLog(LogMessage.control(json: JSONBytes.encode(record))))
    }
}

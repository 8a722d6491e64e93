import Recurrent
import Wire

/// Resets states that are no longer finite, and reports stuck streams.
extension StreamTable {
    /// Whether any streams are newly stuck.
    public var hasStuckStreams: Bool { ledger.hasStuck }

    /// Returns the newly stuck streams, each of them only once.
    public mutating func takeStuckStreams() -> [StuckStream] {
        ledger.takeStuck().map { StuckStream(id: id(of: $0.slot), sequence: $0.sequence, duplicates: $0.duplicates) }
    }

    /// The number of stuck streams. Takes linear time.
    public var stuckCount: Int { ledger.stuckCount { streams[$0].sequence } }

    /// Resets a state that became NaN or infinite, because such a state cannot recover by itself. The state is checked
    /// after every timestep, so the outcome does not depend on how timesteps are grouped into messages.
    ///
    /// - Parameters:
    ///   - slot: The slot of the stream. The stream's entry must already count the faulty timestep, because the
    ///     sequence numbers continue after it.
    ///   - pool: The pool of the stream's state.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func quarantine(_ slot: Int, in pool: StatePool, time: Int64) {
        let stream = streams[slot]
        ledger.countQuarantine(of: slot)
        // If the slot's previous stream was removed, the state stored under this key still belongs to that stream, so
        // the new stream has no checkpoint to return to.
        let goesBack = hasStore && models[stream.model].policy.fault == .checkpoint && !removed.contains(slot)
        var event = StreamEvent(.quarantined, .stream(id(of: slot)), time: time)
        event.sequence = stream.sequence
        event.to = goesBack ? ServingPolicy.Fault.checkpoint.rawValue : ServingPolicy.Fault.zero.rawValue
        events.append(event)
        history.mark(.quarantined, of: slot, at: time)
        streams[slot].step = 0
        if goesBack {
            hibernation.markFaulty(slot)
            fallAsleep(slot)
            startWaking(slot)
        } else {
            pool.reset(stream.row)
        }
    }

    /// Makes the rest of a message wait, ahead of all later timesteps of its stream.
    ///
    /// - Parameters:
    ///   - message: A message whose stream is waiting for its state to be read.
    ///   - timestep: The index of the first timestep that must wait.
    mutating func postpone(_ message: MessageBatch.Message, from timestep: Int) {
        let rest = message.count - timestep
        if waiting[message.slot]?.isBeingTaken ?? false {
            waiting[message.slot]?.putBack(rest)
            return
        }
        let features = rules[message.model].features
        let header = TimestepHeader(
            sequence: message.first + UInt64(timestep), flags: message.flags.subtracting(.start))
        let values = Array(
            copying: batch.newValues(of: message, features: features).extracting(
                ((timestep - message.duplicates) * features)...))
        waiting[message.slot]?.prepend(header, values: values, count: rest)
    }
}

import Recurrent
import Wire

/// Counts events by stream, and resets states that are no longer finite.
extension StreamTable {
    mutating func countGap(of slot: Int) {
        counters.gaps += 1
        tallies[slot, default: StreamTally()].gaps += 1
    }

    /// Resets a state that became NaN or infinite, because it cannot recover by itself. The check follows each
    /// timestep, so the outcome does not depend on the sizes of messages.
    ///
    /// - Parameters:
    ///   - slot: The slot of the stream after the timestep. Its sequence number continues.
    ///   - pool: The pool of the stream's state.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func quarantine(_ slot: Int, in pool: StatePool, time: Int64) {
        let stream = streams[slot]
        counters.quarantined += 1
        tallies[slot, default: StreamTally()].quarantined += 1
        // If the slot's previous stream was removed, the stored state under the same key belongs to that stream.
        let goesBack = hasStore && models[stream.model].policy.fault == .checkpoint && !removed.contains(slot)
        var event = StreamEvent(.quarantined, .stream(id(of: slot)), time: time)
        event.sequence = stream.sequence
        event.to = goesBack ? ServingPolicy.Fault.checkpoint.rawValue : ServingPolicy.Fault.zero.rawValue
        events.append(event)
        streams[slot].step = 0
        if goesBack {
            faulty.insert(slot)
            fallAsleep(slot)
            startWaking(slot)
        } else {
            pool.reset(stream.row)
        }
    }

    /// Makes the rest of a message wait, ahead of all later timesteps of the stream.
    ///
    /// - Parameters:
    ///   - message: The message. Its stream waits for its state.
    ///   - timestep: The index of the first timestep of the rest.
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

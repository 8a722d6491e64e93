import Recurrent
import Wire

/// What is counted stream by stream, and what is done about a state that is none any more.
extension StreamTable {
    mutating func countGap(of slot: Int) {
        counters.gaps += 1
        tallies[slot, default: StreamTally()].gaps += 1
    }

    /// Gives up a state that has turned NaN or infinite, from which it could not come back by itself. Looked for after
    /// each timestep, so that what comes of it does not hang on how timesteps are cut into messages.
    ///
    /// - Parameters:
    ///   - slot: The stream's, as it is after the timestep; its sequence goes on.
    ///   - pool: The home of its state.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func quarantine(_ slot: Int, in pool: StatePool, time: Int64) {
        let stream = streams[slot]
        counters.quarantined += 1
        tallies[slot, default: StreamTally()].quarantined += 1
        // What the store has under the key of a stream that was removed since is not this stream's.
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

    /// Lets the rest of a message wait first, before what comes after it.
    ///
    /// - Parameters:
    ///   - message: The message, of a stream that waits for its state.
    ///   - timestep: The first of the rest.
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

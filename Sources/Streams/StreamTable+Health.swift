import Recurrent
import Wire

/// What is counted stream by stream, and what is done about a state that is none any more.
extension StreamTable {
    mutating func countDuplicates(_ count: Int, of slot: Int) {
        counters.duplicates += UInt64(count)
        tallies[slot, default: StreamTally()].duplicates += UInt64(count)
    }

    mutating func countGap(of slot: Int) {
        counters.gaps += 1
        tallies[slot, default: StreamTally()].gaps += 1
    }

    /// Gives up a state that has turned NaN or infinite, from which it could not come back by itself. Looked for after
    /// each timestep, so that what comes of it does not hang on how timesteps are cut into messages.
    ///
    /// - Parameters:
    ///   - slot: Where the stream belongs.
    ///   - stream: The stream as it is after the timestep; its sequence goes on.
    ///   - pool: The home of its state.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func quarantine(_ slot: Int, _ stream: inout Stream, in pool: StatePool, time: Int64) {
        counters.quarantined += 1
        tallies[slot, default: StreamTally()].quarantined += 1
        // What the store has under the key of a stream that was removed since is not this stream's.
        let goesBack = hasStore && models[stream.model].policy.fault == .checkpoint && !removed.contains(slot)
        var event = StreamEvent(.quarantined, .stream(id(of: slot)), time: time)
        event.sequence = stream.sequence
        event.to = goesBack ? ServingPolicy.Fault.checkpoint.rawValue : ServingPolicy.Fault.zero.rawValue
        events.append(event)
        stream.step = 0
        if goesBack {
            faulty.insert(slot)
            fallAsleep(slot)
            stream.row = streams[slot].row
            startWaking(slot)
        } else {
            pool.reset(stream.row)
        }
    }

    /// Lets the rest of the message in `inputs` wait first, before what comes after it.
    ///
    /// - Parameters:
    ///   - timestep: The first of the rest.
    ///   - count: How many the message has.
    ///   - numbers: Where they stand in the stream's sequence.
    ///   - flags: The message's.
    ///   - slot: Where the stream belongs, which waits for its state.
    mutating func postpone(
        from timestep: Int, of count: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, for slot: Int
    ) {
        let features = inputs.count / count
        let header = TimestepHeader(
            sequence: numbers.first + UInt64(timestep), flags: flags.subtracting(.start))
        let kept = min(count - timestep, Self.maximumWaiting)
        countDrop(.paused, UInt64(count - timestep - kept))
        waiting[slot]?.append(
            header, values: Array(inputs[timestep * features..<(timestep + kept) * features]), count: kept)
    }
}

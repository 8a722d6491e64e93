import Streams
import Wire
import ZeroMQ

/// Sends last values to new subscribers if `last_value` is on.
extension HotLoop {
    /// Publishes the last values of the next few subscribed streams.
    mutating func replay() throws(ZeroMQError) {
        guard let (prefix, slot) = publisher.replays.current else { return }
        let publisher = publisher
        // Decisions that wait for the journal come first, so a last value must not overtake them.
        var held = HeldDecisions()
        let isHeld = group.isOn
        let waits = publisher.replays.isPatient
        var hasStalled = false
        let next = try table.replay(prefix, from: slot, limit: Replays.slotsPerTurn) {
            id, decisions throws(ZeroMQError) in
            if isHeld {
                held.append(id, decisions)
            } else if waits {
                hasStalled = try !publisher.offer(id, decisions)
            } else {
                try publisher.publish(id, records: decisions.bytes)
            }
            return !hasStalled
        }
        if isHeld { try publishWhenDurable(held) }
        publisher.replays.goOn(at: next, hasStalled: hasStalled)
    }
}

import Streams
import Wire
import ZeroMQ

/// What late subscribers are told with `last_value`.
extension HotLoop {
    /// Publishes where some more of the streams stand that were subscribed to.
    mutating func replay() throws(ZeroMQError) {
        guard let (prefix, slot) = publisher.replays.current else { return }
        let publisher = publisher
        // What waits for the journal comes before it: it must not be told earlier.
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

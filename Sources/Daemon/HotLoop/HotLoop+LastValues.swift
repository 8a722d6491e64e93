import Streams
import Wire
import ZeroMQ

/// Publishes last values to new subscribers if `last_value` is on.
extension HotLoop {
    /// Publishes the last values of the next few subscribed streams.
    mutating func publishLastValues() throws(ZeroMQError) {
        guard let (prefix, slot) = publisher.lastValues.current else { return }
        let publisher = publisher
        // Decisions that wait for the journal are older, so they must be published first.
        var held = PendingDecisions()
        let isHeld = group.isOn
        let now = SteadyClock.now()
        let waits = publisher.lastValues.isPatient(at: now)
        var hasStalled = false
        let next = try table.forEachLastValue(prefix, from: slot, limit: LastValues.slotsPerTurn) {
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
        publisher.lastValues.advance(to: next, hasStalled: hasStalled, at: now)
    }
}

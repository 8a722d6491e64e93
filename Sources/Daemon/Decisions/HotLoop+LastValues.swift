import Streams
import Wire
import ZeroMQ

/// Publishes last values to new subscribers if `last_value` is on.
extension HotLoop {
    /// Publishes the last values of the next few subscribed streams of each publisher.
    mutating func publishLastValues() throws(ZeroMQError) {
        for (number, publisher) in publishers.enumerated() {
            guard let (topic, slot) = publisher.lastValues.current else { continue }
            let now = SteadyClock.now()
            var next: Int?
            var hasStalled = false
            if group.isOn {
                next = try holdLastValues(topic, from: slot, for: publisher, number: number)
            } else if publisher.lastValues.isPatient(at: now) {
                (next, hasStalled) = try offerLastValues(topic, from: slot, to: publisher)
            } else {
                next = try sendLastValues(topic, from: slot, to: publisher)
            }
            publisher.lastValues.advance(to: next, hasStalled: hasStalled, at: now)
        }
    }

    /// Publishes last values until a subscriber's queue is full.
    ///
    /// - Returns: The slot of the next stream, and whether a subscriber's queue was full.
    private mutating func offerLastValues(
        _ topic: [UInt8], from slot: Int, to publisher: DecisionPublisher
    ) throws(ZeroMQError) -> (next: Int?, hasStalled: Bool) {
        var hasStalled = false
        let next = try forEachLastValue(topic, from: slot, of: publisher) { id, model, decisions throws(ZeroMQError) in
            hasStalled = try !publisher.offer(id, decisions, of: model)
            return !hasStalled
        }
        // The next turn gathers the discarded values again.
        guard try publisher.offerGathered() else { return (slot, true) }
        return (next, hasStalled)
    }

    /// Publishes last values to all subscribers whose queues have room.
    private mutating func sendLastValues(
        _ topic: [UInt8], from slot: Int, to publisher: DecisionPublisher
    ) throws(ZeroMQError) -> Int? {
        let next = try forEachLastValue(topic, from: slot, of: publisher) { id, model, decisions throws(ZeroMQError) in
            try publisher.publish(id, records: decisions.bytes, of: model)
            return true
        }
        try publisher.publishGathered()
        return next
    }

    /// Holds last values back until the journal contains the records of the decisions before them.
    private mutating func holdLastValues(
        _ topic: [UInt8], from slot: Int, for publisher: DecisionPublisher, number: Int
    ) throws(ZeroMQError) -> Int? {
        var held = PendingDecisions()
        let next = try forEachLastValue(topic, from: slot, of: publisher) { id, model, decisions in
            held.append(id, decisions.bytes, of: model, for: number)
            return true
        }
        held.endUnit()
        try publishWhenDurable(held)
        return next
    }

    private mutating func forEachLastValue(
        _ topic: [UInt8], from slot: Int, of publisher: DecisionPublisher,
        _ body: (Span<UInt8>, Int, borrowing DecisionRecords) throws(ZeroMQError) -> Bool
    ) throws(ZeroMQError) -> Int? {
        try table.forEachLastValue(publisher.idPrefix(topic), from: slot, limit: LastValues.slotsPerTurn) {
            id, model, decisions throws(ZeroMQError) in
            guard publisher.isSelected(model: model, by: topic) else { return true }
            return try body(id, model, decisions)
        }
    }
}

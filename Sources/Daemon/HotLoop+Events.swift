import Foundation
import Streams
import Wire
import ZeroMQ

/// What the hot loop tells subscribers beside decisions, in the order in which it took effect.
extension HotLoop {
    /// Tells of something that has just taken effect, behind the decisions before it.
    mutating func announce(_ event: StreamEvent) {
        var held = HeldDecisions()
        held.append(event)
        publishInOrder(held)
    }

    /// Tells of what happened within the table since the last decisions were published.
    mutating func announceNews() {
        for event in table.takeEvents() {
            dropLog.record(event, at: SteadyClock.now())
            announce(event)
        }
    }

    /// Publishes what came of timesteps that had waited, event by event and decision by decision.
    ///
    /// - Parameter take: Takes the timesteps, and calls what it is given for each message of them.
    /// - Returns: What `take` returns.
    /// - Throws: What `take` throws.
    mutating func publishWaiting<Answer>(
        _ take: (inout StreamTable, StreamTable.Publish) throws(ControlError) -> Answer
    ) throws(ControlError) -> Answer {
        var held = HeldDecisions()
        var told: [StreamEvent] = []
        let answer = try take(&table) { id, decisions, events in
            if decisions.count > 0 { held.append(id.utf8.span, decisions) }
            for event in events { held.append(event) }
            told += events
        }
        for event in told { dropLog.record(event, at: SteadyClock.now()) }
        publishInOrder(held)
        return answer
    }

    private mutating func publishInOrder(_ held: HeldDecisions) {
        do throws(ZeroMQError) {
            try publishWhenDurable(held)
        } catch {
            logger.error("decisions or events could not be published: \(error)")
        }
    }
}

extension HeldDecisions {
    /// Holds an event, in its place among the decisions.
    mutating func append(_ event: StreamEvent) {
        // Nothing in an event is such that JSON cannot express it.
        guard let json = try? JSONEncoder().encode(event) else { return }
        append(Array(StreamEvent.topic.utf8).span, Array(json).span)
    }
}

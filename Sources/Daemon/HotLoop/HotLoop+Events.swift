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
        append(Array(StreamEvent.topic.utf8).span, event.json.span)
    }
}

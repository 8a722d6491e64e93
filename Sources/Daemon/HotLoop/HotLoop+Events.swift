import Streams
import Wire
import ZeroMQ

/// Publishes events to subscribers. Events and decisions are published in the order in which they took effect.
extension HotLoop {
    /// Publishes an event that has just taken effect, after all decisions that precede it.
    mutating func announce(_ event: StreamEvent) {
        var held = PendingDecisions()
        held.append(event)
        publishInOrder(held)
    }

    /// Publishes the events that happened in the stream table since the last decisions were published.
    mutating func announceEvents() {
        for event in table.takeEvents() {
            dropLog.record(event, at: SteadyClock.now())
            announce(event)
        }
    }

    private mutating func publishInOrder(_ held: PendingDecisions) {
        do throws(ZeroMQError) {
            try publishWhenDurable(held)
        } catch {
            logger.error("decisions or events could not be published: \(error)")
        }
    }
}

import Foundation
import Streams
import Wire
import ZeroMQ

/// What the hot loop tells subscribers beside decisions, in the order in which it took effect.
extension HotLoop {
    /// Tells of something that has just taken effect.
    func announce(_ event: StreamEvent) {
        do throws(ZeroMQError) {
            try publisher.publish(event)
        } catch {
            logger.error("an event could not be published: \(error)")
        }
    }

    /// Tells of what happened within the table since the last decisions were published.
    mutating func announceNews() {
        for event in table.takeEvents() {
            dropLog.record(event)
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
        var failure: ZeroMQError?
        var told: [StreamEvent] = []
        let answer = try take(&table) { id, decisions, events in
            do throws(ZeroMQError) {
                if decisions.count > 0 { try publisher.publish(id.utf8.span, decisions) }
                for event in events { try publisher.publish(event) }
            } catch {
                failure = error
            }
            told += events
        }
        for event in told { dropLog.record(event) }
        if let failure { logger.error("decisions could not be published: \(failure)") }
        return answer
    }
}

extension DecisionPublisher {
    /// Publishes an event under the topic that all events have.
    func publish(_ event: StreamEvent) throws(ZeroMQError) {
        guard let json = try? JSONEncoder().encode(event) else { return }
        try socket.sendFrames([Array(StreamEvent.topic.utf8), Array(json)], wait: false)
    }
}

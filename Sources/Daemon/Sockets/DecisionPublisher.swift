import Wire
import ZeroMQ

/// The socket that publishes decisions. The hot loop owns it.
///
/// A slow subscriber loses the messages beyond its high-water mark, but never slows down the daemon. By default, libzmq
/// drops these messages silently. With `ZMQ_XPUB_NODROP`, it refuses a message if any subscriber has no room. The
/// publisher counts the refusal, and sends the message again without that option, so that all other subscribers receive
/// it. From then on, libzmq skips the slow subscriber without further refusals until the subscriber has read half of
/// its queue. The counter is therefore the number of times that a subscriber fell behind.
final class DecisionPublisher {
    /// The prefix of topics that confirm subscriptions. A subscriber to such a topic receives `{"event":"subscribed"}`
    /// on the topic. At that point, all earlier subscriptions of the subscriber are in force.
    private static let subscribedTopic = Array("\(StreamID.ownTopics)subscribed/".utf8)
    private static let eventTopic = Array(StreamEvent.topic.utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)

    let endpoint: Endpoint
    let codec: DecisionCodec
    let socket: Socket
    /// The number of times that a subscriber's queue was full and the subscriber began to miss messages.
    private(set) var overflows: UInt64 = 0
    /// The last values to send to new subscribers; always empty if `last_value` is off.
    var lastValues: LastValues

    /// - Parameters:
    ///   - decisions: The endpoint and the format of the messages.
    ///   - highWaterMark: The maximum number of messages queued for each subscriber.
    ///   - context: The libzmq context in which to create the socket.
    ///   - access: The guard that admits subscribers.
    /// - Throws: `ZeroMQError`, for example if the address is in use.
    init(
        _ decisions: DaemonConfiguration.Decisions, highWaterMark: Int, in context: Context, by access: AccessGuard
    ) throws(ZeroMQError) {
        let socket = try Socket(.xpub, in: context)
        try socket.set(.sendHighWaterMark, to: highWaterMark)
        try socket.set(.publisherWaits, to: 1)
        try socket.set(.everySubscription, to: 1)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try access.prepare(socket, for: .decisions, at: decisions.endpoint)
        try socket.attach(to: decisions.endpoint, otherwise: .bind)
        endpoint = try socket.resolved(decisions.endpoint)
        codec = decisions.codec
        lastValues = LastValues(isOn: decisions.lastValue)
        self.socket = socket
    }

    /// Publishes the records of ``DecisionRecords`` under the id of their stream, or an event under its topic.
    func publish(_ id: Span<UInt8>, records: Span<UInt8>) throws(ZeroMQError) {
        guard codec == .binary || id.equals(Self.eventTopic) else {
            // Reading the records cannot fail, because this process wrote them.
            return try publishJSON(id, (try? unsafe Decision.records(in: records.bytes)) ?? [])
        }
        try send(id, records)
    }

    /// Publishes the last value of one stream, unless the queue of one of its subscribers is full.
    ///
    /// - Returns: Whether all subscribers had room.
    func offer(_ id: Span<UInt8>, _ decisions: borrowing DecisionRecords) throws(ZeroMQError) -> Bool {
        guard try socket.send(id, more: true, wait: false) else { return false }
        guard codec == .json else { return try socket.send(decisions.bytes, wait: false) }
        var object: [UInt8] = []
        decisions.all.first?.appendJSON(stream: id, to: &object)
        return try socket.send(object.span, wait: false)
    }

    /// Publishes each decision as a separate message with one JSON object, no matter how `emit` is set.
    private func publishJSON(_ id: Span<UInt8>, _ decisions: [Decision]) throws(ZeroMQError) {
        var object: [UInt8] = []
        for decision in decisions {
            object.removeAll(keepingCapacity: true)
            decision.appendJSON(stream: id, to: &object)
            try send(id, object.span)
        }
    }

    private func send(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) {
        guard try socket.send(topic, more: true, wait: false) else { return try sendToOthers(topic, content) }
        // If libzmq accepts the first frame of a message, it has room for the whole message.
        try socket.send(content, wait: false)
    }

    /// Sends a message to all subscribers whose queues have room.
    private func sendToOthers(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) {
        overflows += 1
        try socket.set(.publisherWaits, to: 0)
        try socket.send(topic, more: true, wait: false)
        try socket.send(content, wait: false)
        try socket.set(.publisherWaits, to: 1)
    }

    /// Receives a limited number of subscriptions. Confirms those that ask for a confirmation, and queues last values
    /// for all others.
    func takeSubscriptions() throws(ZeroMQError) {
        for _ in 0..<HotLoop.requestsPerTurn {
            guard let frames = try socket.receiveFrames(wait: false) else { return }
            // A frame that begins with the byte 1 subscribes to the topic that follows. The byte 0 unsubscribes.
            guard let frame = frames.first, frame.first == 1 else { continue }
            let topic = Array(frame.dropFirst())
            if topic.starts(with: Self.subscribedTopic) {
                try send(topic.span, Self.subscribedEvent.span)
            } else {
                lastValues.add(topic)
            }
        }
    }
}

extension Span<UInt8> {
    fileprivate func equals(_ bytes: [UInt8]) -> Bool {
        guard count == bytes.count else { return false }
        for index in indices where self[index] != bytes[index] { return false }
        return true
    }
}

import Wire
import ZeroMQ

/// The socket that publishes decisions. Owned by the hot loop.
///
/// A slow subscriber loses the messages beyond its high-water mark, and never slows the daemon. By itself, libzmq drops
/// messages silently. With `ZMQ_XPUB_NODROP`, it refuses a message if a subscriber has no room. The publisher counts
/// the refusal and sends the message again without that option, so that all other subscribers receive it. From then on,
/// libzmq skips the slow subscriber without further refusals, until the subscriber has read half of its queue. The
/// counter is therefore the number of times that a subscriber fell behind.
final class DecisionPublisher {
    /// The beginning of topics that confirm subscriptions. A subscriber to a topic with this beginning receives
    /// `{"event":"subscribed"}` on the topic. All earlier subscriptions of the subscriber are then in force.
    private static let subscribedTopic = Array("\(StreamID.ownTopics)subscribed/".utf8)
    private static let eventTopic = Array(StreamEvent.topic.utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)

    let endpoint: Endpoint
    let codec: DecisionCodec
    let socket: Socket
    /// The number of times that a subscriber had no room and began to miss messages.
    private(set) var overflows: UInt64 = 0
    /// The last values to send to new subscribers. Always empty if last values are off.
    var lastValues: LastValues

    /// - Parameters:
    ///   - decisions: The endpoint and the format of the messages.
    ///   - highWaterMark: The number of messages that may wait for each subscriber.
    ///   - context: The libzmq context of the socket.
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

    /// Publishes ``DecisionRecords`` under the id of their stream, or an event under its topic.
    func publish(_ id: Span<UInt8>, records: Span<UInt8>) throws(ZeroMQError) {
        guard codec == .binary || id.equals(Self.eventTopic) else {
            // This process wrote the records. Reading them therefore succeeds.
            return try publishJSON(id, (try? unsafe Decision.records(in: records.bytes)) ?? [])
        }
        try send(id, records)
    }

    /// Publishes the last value of one stream, unless one of its subscribers has no room.
    ///
    /// - Returns: Whether all subscribers had room.
    func offer(_ id: Span<UInt8>, _ decisions: borrowing DecisionRecords) throws(ZeroMQError) -> Bool {
        guard try socket.send(id, more: true, wait: false) else { return false }
        guard codec == .json else { return try socket.send(decisions.bytes, wait: false) }
        var object: [UInt8] = []
        decisions.all.first?.appendJSON(stream: id, to: &object)
        return try socket.send(object.span, wait: false)
    }

    /// Publishes each decision as one message with one JSON object, whatever `emit` is.
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
        // If libzmq takes the first frame of a message, it has room for the whole message.
        try socket.send(content, wait: false)
    }

    /// Sends a message to all subscribers that have room.
    private func sendToOthers(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) {
        overflows += 1
        try socket.set(.publisherWaits, to: 0)
        try socket.send(topic, more: true, wait: false)
        try socket.send(content, wait: false)
        try socket.set(.publisherWaits, to: 1)
    }

    /// Receives a bounded number of subscriptions. Confirms the subscriptions that request a confirmation. For the
    /// others, records the last values to send.
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

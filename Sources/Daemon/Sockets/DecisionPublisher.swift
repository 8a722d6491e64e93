import Wire
import ZeroMQ

/// The socket that decisions go out by. Owned by the hot loop.
///
/// A subscriber that does not keep up loses what is past its high-water mark; it never slows the daemon. libzmq drops in
/// silence, but with `ZMQ_XPUB_NODROP` it refuses a message for which a subscriber has no room. Such a message is counted,
/// then sent again as one that may be dropped: those that have room get it. From then until it has read half of what waits
/// for it, libzmq leaves that subscriber out and tells nothing more of it, so that what is counted is how often a
/// subscriber fell behind.
final class DecisionPublisher {
    /// A subscriber that subscribes to a topic that begins so hears `{"event":"subscribed"}` on it, and knows that all
    /// that it subscribed to before is in force.
    private static let subscribedTopic = Array("\(StreamID.ownTopics)subscribed/".utf8)
    private static let eventTopic = Array(StreamEvent.topic.utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)

    let endpoint: Endpoint
    let codec: DecisionCodec
    let socket: Socket
    /// How often a subscriber had no room for a message, and missed what came from there on.
    private(set) var overflows: UInt64 = 0
    /// What is to be sent to those that subscribe; stays empty where nothing is.
    var replays: Replays

    /// - Parameters:
    ///   - decisions: Where, and how messages are written.
    ///   - highWaterMark: Messages that may wait for each subscriber.
    ///   - context: The socket's home.
    ///   - access: Who may come in.
    /// - Throws: `ZeroMQError`, as where the address is in use.
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
        replays = Replays(areOn: decisions.lastValue)
        self.socket = socket
    }

    /// Publishes the bytes of ``DecisionRecords`` under an id, or an event under its topic as it is.
    func publish(_ id: Span<UInt8>, records: Span<UInt8>) throws(ZeroMQError) {
        guard codec == .binary || id.equals(Self.eventTopic) else {
            // What was written by this process can be read.
            return try publishJSON(id, (try? unsafe Decision.records(in: records.bytes)) ?? [])
        }
        try send(id, records)
    }

    /// Publishes one stream's replayed decision, unless a subscriber that it is for has no room for it now.
    ///
    /// - Returns: Whether there was room.
    func offer(_ id: Span<UInt8>, _ decisions: borrowing DecisionRecords) throws(ZeroMQError) -> Bool {
        guard try socket.send(id, more: true, wait: false) else { return false }
        guard codec == .json else { return try socket.send(decisions.bytes, wait: false) }
        var object: [UInt8] = []
        decisions.all.first?.appendJSON(stream: id, to: &object)
        return try socket.send(object.span, wait: false)
    }

    /// Publishes each decision as a message of its own: one JSON object is one decision, whatever `emit` says.
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
        // There is room for all of a message whose first frame was taken.
        try socket.send(content, wait: false)
    }

    /// Sends a message, which a subscriber has no room for, to those that have.
    private func sendToOthers(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) {
        overflows += 1
        try socket.set(.publisherWaits, to: 0)
        try socket.send(topic, more: true, wait: false)
        try socket.send(content, wait: false)
        try socket.set(.publisherWaits, to: 1)
    }

    /// Takes subscriptions that came, a bounded number of them, answers those that ask for it and notes what is to be
    /// replayed to the others.
    func takeSubscriptions() throws(ZeroMQError) {
        for _ in 0..<HotLoop.requestsPerTurn {
            guard let frames = try socket.receiveFrames(wait: false) else { return }
            // A subscription is the byte 1 and the topic; 0 and the topic ends it.
            guard let frame = frames.first, frame.first == 1 else { continue }
            let topic = Array(frame.dropFirst())
            if topic.starts(with: Self.subscribedTopic) {
                try send(topic.span, Self.subscribedEvent.span)
            } else {
                replays.add(topic)
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

import Wire
import ZeroMQ

/// The socket that decisions go out by. Owned by the hot loop.
///
/// A subscriber that does not keep up loses what is past its high-water mark; it never slows the daemon.
struct DecisionPublisher: ~Copyable {
    /// A subscriber that subscribes to a topic that begins so hears `{"event":"subscribed"}` on it, and knows that all
    /// that it subscribed to before is in force.
    private static let subscribedTopic = Array("\(StreamID.ownTopics)subscribed/".utf8)
    private static let eventTopic = Array(StreamEvent.topic.utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)

    let endpoint: Endpoint
    let codec: DecisionCodec
    let socket: Socket

    init(
        _ decisions: DaemonConfiguration.Decisions, in context: Context, by access: AccessGuard
    ) throws(ZeroMQError) {
        let socket = try Socket(.xpub, in: context)
        try socket.set(.sendHighWaterMark, to: HotLoop.highWaterMark)
        try socket.set(.everySubscription, to: 1)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try access.prepare(socket, for: .decisions, at: decisions.endpoint)
        try socket.attach(to: decisions.endpoint, otherwise: .bind)
        endpoint = try socket.resolved(decisions.endpoint)
        codec = decisions.codec
        self.socket = socket
    }

    /// Publishes the bytes of ``DecisionRecords`` under an id, or an event under its topic as it is.
    func publish(_ id: Span<UInt8>, records: Span<UInt8>) throws(ZeroMQError) {
        guard codec == .binary || id.equals(Self.eventTopic) else {
            // What was written by this process can be read.
            return try publishJSON(id, (try? unsafe Decision.records(in: records.bytes)) ?? [])
        }
        try socket.send(id, more: true, wait: false)
        try socket.send(records, wait: false)
    }

    /// Publishes each decision as a message of its own: one JSON object is one decision, whatever `emit` says.
    private func publishJSON(_ id: Span<UInt8>, _ decisions: [Decision]) throws(ZeroMQError) {
        var object: [UInt8] = []
        for decision in decisions {
            object.removeAll(keepingCapacity: true)
            decision.appendJSON(stream: id, to: &object)
            try socket.send(id, more: true, wait: false)
            try socket.send(object.span, wait: false)
        }
    }

    /// Takes subscriptions that came, a bounded number of them, and answers those that ask for it.
    func takeSubscriptions() throws(ZeroMQError) {
        for _ in 0..<HotLoop.requestsPerTurn {
            guard let frames = try socket.receiveFrames(wait: false) else { return }
            // A subscription is the byte 1 and the topic; 0 and the topic ends it.
            guard let frame = frames.first, frame.first == 1 else { continue }
            let topic = Array(frame.dropFirst())
            if topic.starts(with: Self.subscribedTopic) {
                try socket.sendFrames([topic, Self.subscribedEvent], wait: false)
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

import Wire
import ZeroMQ

/// The socket that decisions go out by. Owned by the hot loop.
///
/// A subscriber that does not keep up loses what is past its high-water mark; it never slows the daemon.
struct DecisionPublisher: ~Copyable {
    /// A subscriber that subscribes to a topic that begins so hears `{"event":"subscribed"}` on it, and knows that all
    /// that it subscribed to before is in force.
    private static let subscribedTopic = Array("\(StreamID.reservedPrefix)subscribed/".utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)

    let endpoint: Endpoint
    let socket: Socket

    init(_ endpoint: Endpoint, in context: Context) throws(ZeroMQError) {
        let socket = try Socket(.xpub, in: context)
        try socket.set(.sendHighWaterMark, to: HotLoop.highWaterMark)
        try socket.set(.everySubscription, to: 1)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try socket.attach(to: endpoint, otherwise: .bind)
        self.endpoint = try socket.resolved(endpoint)
        self.socket = socket
    }

    /// Publishes one message's decisions under the id that came with the timesteps; that frame is given away.
    func publish(_ id: inout Message, _ decisions: borrowing DecisionRecords) throws(ZeroMQError) {
        try socket.forward(&id, more: true, wait: false)
        try socket.send(decisions.bytes.span, wait: false)
    }

    /// Publishes decisions of a stream whose message is gone.
    func publish(_ id: String, _ decisions: borrowing DecisionRecords) throws(ZeroMQError) {
        try socket.send(id.utf8.span, more: true, wait: false)
        try socket.send(decisions.bytes.span, wait: false)
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

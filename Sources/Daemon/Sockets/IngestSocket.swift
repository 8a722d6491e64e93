import Wire
import ZeroMQ

/// A message of timesteps as it came. It keeps its memory, so one can take message after message.
struct IngestMessage: ~Copyable {
    /// The frames; those past ``frameCount`` are left over from another message.
    var id = Message()
    fileprivate(set) var payload = Message()
    fileprivate var third = Message()
    /// How many frames the message had. All that are past the third are thrown away.
    fileprivate(set) var frameCount = 0

    /// Whether a frame of timesteps has more bytes than that.
    func exceeds(_ byteCount: Int) -> Bool {
        id.byteCount > byteCount || (frameCount >= 2 && payload.byteCount > byteCount)
    }

    /// The third frame; empty where there is none.
    var header: RawSpan {
        @_lifetime(borrow self) get { frameCount >= 3 ? third.rawBytes : RawSpan() }
    }
}

/// One socket that timesteps come in by. Owned by the hot loop.
final class IngestSocket {
    /// Where it is attached, a port `*` resolved.
    let endpoint: IngestEndpoint
    let codec: IngestCodec
    let socket: Socket
    /// The producers that are connected when the end begins; nil before.
    private var connections: PeerConnections?
    /// A producer has not been told to hang up, since it may be in the middle of a write.
    private(set) var waitsForQuiet = false
    /// A producer may still be connected.
    private var mayReceive = true
    /// All that had come was taken, and nobody is connected any more.
    private(set) var isDrained = false

    /// - Parameters:
    ///   - ingest: Where, and how messages are written.
    ///   - highWaterMark: Messages that may wait for each producer.
    ///   - context: The socket's home.
    ///   - access: Who may come in.
    /// - Throws: `ZeroMQError`, as where the address is in use.
    init(
        _ ingest: DaemonConfiguration.Ingest, highWaterMark: Int, in context: Context, by access: AccessGuard
    ) throws(ZeroMQError) {
        let endpoint = ingest.endpoint
        codec = ingest.codec
        socket = try Socket(endpoint.kind == .sub ? .sub : .pull, in: context)
        try socket.set(.receiveHighWaterMark, to: highWaterMark)
        try socket.set(.receiveTimeout, to: Int(HotLoop.ingestPatience / 1_000_000))
        if endpoint.kind == .sub { try socket.subscribe("") }
        try access.prepare(
            socket, for: .ingest, at: endpoint.endpoint, serverKey: ingest.serverKey, peers: endpoint.kind.peers)
        try socket.attach(to: endpoint.endpoint, otherwise: .bind)
        self.endpoint = IngestEndpoint(endpoint.kind, try socket.resolved(endpoint.endpoint))
    }

    /// Takes the next message, if one is there.
    ///
    /// - Parameters:
    ///   - message: Replaced by it.
    ///   - waits: Whether to wait for one, as long as ``HotLoop/ingestPatience`` says.
    /// - Returns: Whether there was one.
    /// - Throws: `ZeroMQError` where the socket cannot receive.
    func receive(into message: inout IngestMessage, waits: Bool = false) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &message.id, wait: waits) else {
            isDrained = !mayReceive
            return false
        }
        try receiveRest(of: &message)
        if connections != nil { note(message) }
        return true
    }

    private func receiveRest(of message: inout IngestMessage) throws(ZeroMQError) {
        message.frameCount = 1
        guard message.id.hasMore else { return }
        // The frames of one message come together, so none of these waits.
        _ = try socket.receive(into: &message.payload, wait: true)
        message.frameCount = 2
        guard message.payload.hasMore else { return }
        _ = try socket.receive(into: &message.third, wait: true)
        message.frameCount = 3
        guard message.third.hasMore else { return }
        var rest = Message()
        repeat {
            _ = try socket.receive(into: &rest, wait: true)
            message.frameCount += 1
        } while rest.hasMore
    }

    /// Notes how many bytes of a producer's connection a message was. Frames past the third are left out: such a producer counts
    /// as being in the middle of a message from then on.
    private func note(_ message: borrowing IngestMessage) {
        guard let producer = message.id.connection else { return }
        connections?.note(message.id.byteCount, from: producer)
        if message.frameCount > 1 { connections?.note(message.payload.byteCount, from: producer) }
        if message.frameCount > 2 { connections?.note(message.third.byteCount, from: producer) }
    }

    /// Begins the end: producers that are connected are to hang up, and all that they have written is received. To be called
    /// once no new producer is let in any more.
    func beginDrain() {
        connections = PeerConnections(of: endpoint.endpoint, isCurve: socket.isCurve)
    }

    /// Has connected producers end their connections. To be called when all messages that can be received were.
    ///
    /// - Parameters:
    ///   - moment: When a producer is to hang up.
    ///   - hasReceived: Whether a message has been received since the last call.
    func hangUp(at moment: PeerConnections.Moment, hasReceived: Bool) {
        guard mayReceive else { return }
        let (open, waiting) = connections?.hangUp(at: moment, hasReceived: hasReceived) ?? (0, 0)
        mayReceive = open > 0
        waitsForQuiet = waiting > 0
    }

    /// Bytes that producers have written to their connections, and that were not received.
    var unreadBytes: Int { connections?.unreadBytes ?? 0 }

    /// Throws away what has come, for a moment at most: a producer may send faster than this.
    ///
    /// - Returns: How many messages.
    func discard(by message: inout IngestMessage) throws(ZeroMQError) -> Int {
        var count = 0
        let end = ContinuousClock.now + .milliseconds(200)
        while ContinuousClock.now < end, try receive(into: &message) { count += 1 }
        return count
    }
}

extension Socket {
    /// The endpoint as it came to be: whether it was bound or connected, and a port `*` resolved.
    func resolved(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let attachment = endpoint.attachment ?? .bind
        return Endpoint(attachment, attachment == .bind ? try lastAddress() : endpoint.address)
    }
}

import Wire
import ZeroMQ

/// A message of timesteps as it came. It keeps its memory, so one can take message after message.
struct IngestMessage: ~Copyable {
    /// The frames; those past ``frameCount`` are left over from another message.
    var id = Message()
    fileprivate(set) var payload = Message()
    fileprivate(set) var header = Message()
    /// How many frames the message had. All that are past the third are thrown away.
    fileprivate(set) var frameCount = 0
}

/// One socket that timesteps come in by. Owned by the hot loop.
final class IngestSocket {
    /// Where it is attached, a port `*` resolved.
    let endpoint: IngestEndpoint
    let codec: IngestCodec
    let socket: Socket
    /// All that had come before ``close()`` has been taken.
    private(set) var isDrained = false

    /// - Parameters:
    ///   - ingest: Where, and how messages are written.
    ///   - highWaterMark: Messages that may wait for each producer.
    ///   - context: The socket's home.
    /// - Throws: `ZeroMQError`, as where the address is in use.
    init(
        _ ingest: DaemonConfiguration.Ingest, highWaterMark: Int, in context: Context
    ) throws(ZeroMQError) {
        let endpoint = ingest.endpoint
        codec = ingest.codec
        socket = try Socket(endpoint.kind == .sub ? .sub : .pull, in: context)
        try socket.set(.receiveHighWaterMark, to: highWaterMark)
        if endpoint.kind == .sub { try socket.subscribe("") }
        try socket.attach(to: endpoint.endpoint, otherwise: .bind)
        self.endpoint = IngestEndpoint(endpoint.kind, try socket.resolved(endpoint.endpoint))
    }

    /// Takes the next message, if one is there.
    func receive(into message: inout IngestMessage) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &message.id, wait: false) else {
            isDrained = true
            return false
        }
        message.frameCount = 1
        guard message.id.hasMore else { return true }
        // The frames of one message come together, so none of these waits.
        _ = try socket.receive(into: &message.payload, wait: true)
        message.frameCount = 2
        guard message.payload.hasMore else { return true }
        _ = try socket.receive(into: &message.header, wait: true)
        message.frameCount = 3
        guard message.header.hasMore else { return true }
        var rest = Message()
        repeat {
            _ = try socket.receive(into: &rest, wait: true)
            message.frameCount += 1
        } while rest.hasMore
        return true
    }

    /// Lets no new producer in, and takes no more from those that are connected than libzmq has of theirs already.
    ///
    /// A producer that goes on sending would else never let the socket become empty. With a high-water mark of 1 libzmq
    /// reads on from a connection only once all that it had from it is taken, so that the first time that the socket is
    /// found empty, what came before is taken: see ``isDrained``.
    func close() {
        // An option or an address that cannot be changed any more is no reason not to stop.
        try? socket.set(.receiveHighWaterMark, to: 1)
        if endpoint.endpoint.attachment == .bind { try? socket.unbind(endpoint.endpoint.address) }
        isDrained = false
    }

    /// Throws away what has come.
    ///
    /// - Returns: How many messages.
    func discard(by message: inout IngestMessage) throws(ZeroMQError) -> Int {
        var count = 0
        while try receive(into: &message) { count += 1 }
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

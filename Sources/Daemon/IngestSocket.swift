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

    init(_ ingest: DaemonConfiguration.Ingest, in context: Context, by access: AccessGuard) throws(ZeroMQError) {
        let endpoint = ingest.endpoint
        codec = ingest.codec
        socket = try Socket(endpoint.kind == .sub ? .sub : .pull, in: context)
        try socket.set(.receiveHighWaterMark, to: HotLoop.highWaterMark)
        if endpoint.kind == .sub { try socket.subscribe("") }
        try access.prepare(socket, for: .ingest, at: endpoint.endpoint, serverKey: ingest.serverKey)
        try socket.attach(to: endpoint.endpoint, otherwise: .bind)
        self.endpoint = IngestEndpoint(endpoint.kind, try socket.resolved(endpoint.endpoint))
    }

    /// Takes the next message, if one is there.
    func receive(into message: inout IngestMessage) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &message.id, wait: false) else { return false }
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

    /// Lets no new producer in. Those that are connected stay.
    func close() {
        guard endpoint.endpoint.attachment == .bind else { return }
        // An address that cannot be unbound any more is as good as unbound: the process ends soon.
        try? socket.unbind(endpoint.endpoint.address)
    }
}

extension Socket {
    /// The endpoint as it came to be: whether it was bound or connected, and a port `*` resolved.
    func resolved(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let attachment = endpoint.attachment ?? .bind
        return Endpoint(attachment, attachment == .bind ? try lastAddress() : endpoint.address)
    }
}

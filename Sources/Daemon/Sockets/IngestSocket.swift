import Recurrent
import Wire
import ZeroMQ

/// A received message of timesteps. Its buffers are reused for the next message.
struct IngestMessage: ~Copyable {
    /// The message's first three frames. Any that are beyond ``frameCount`` are left over from an earlier message.
    var id = Message()
    fileprivate(set) var payload = Message()
    fileprivate var third = Message()
    /// The number of frames in the message. Frames beyond the third are counted but discarded.
    fileprivate(set) var frameCount = 0

    /// Whether the id or the payload has more than `byteCount` bytes.
    func exceeds(_ byteCount: Int) -> Bool {
        id.byteCount > byteCount || (frameCount >= 2 && payload.byteCount > byteCount)
    }

    /// The third frame; empty if the message has none.
    var header: RawSpan {
        @_lifetime(borrow self) get { frameCount >= 3 ? third.rawBytes : RawSpan() }
    }
}

/// A socket that receives timesteps. The hot loop owns it.
final class IngestSocket {
    /// The endpoint of the socket. A `*` is replaced by the actual port.
    let endpoint: IngestEndpoint
    let codec: IngestCodec
    let socket: Socket
    /// The message whose entries are being admitted, if the codec is `batch`.
    let batch = Confined(ReceivedBatch())
    private let drain = Confined(Drain())

    /// The state of the drain. It is read for every message, so access must not involve a run-time check.
    private struct Drain {
        /// The producers that were connected when the drain began; nil before the drain.
        var connections: PeerConnections?
        /// Whether a producer may still be connected.
        var mayReceive = true
        var waitsForQuiet = false
        var isDrained = false
    }

    /// Whether some producer has not been told to hang up yet, because it may be in the middle of writing a message.
    var waitsForQuiet: Bool { drain.value.waitsForQuiet }
    /// Whether all messages have been received and no producer is still connected.
    var isDrained: Bool { drain.value.isDrained }

    /// - Parameters:
    ///   - ingest: The endpoint and the format of the messages.
    ///   - highWaterMark: The maximum number of messages queued from each producer.
    ///   - context: The libzmq context in which to create the socket.
    ///   - access: The guard that admits producers.
    /// - Throws: `ZeroMQError`, for example if the address is in use.
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

    /// Receives the next message, if there is one.
    ///
    /// - Parameters:
    ///   - message: The destination of the message.
    ///   - waits: Whether to wait for a message, for at most ``HotLoop/ingestPatience``.
    /// - Returns: Whether a message was received.
    /// - Throws: `ZeroMQError` if the socket cannot receive.
    func receive(into message: inout IngestMessage, waits: Bool = false) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &message.id, wait: waits) else {
            drain.value.isDrained = !drain.value.mayReceive
            return false
        }
        try receiveRest(of: &message)
        if drain.value.connections != nil { note(message) }
        return true
    }

    /// Receives the next message in the codec `batch`, if there is one.
    ///
    /// - Parameter waits: Same as for ``receive(into:waits:)``.
    /// - Returns: Whether a message was received.
    /// - Throws: `ZeroMQError` if the socket cannot receive.
    func receiveBatch(waits: Bool = false) throws(ZeroMQError) -> Bool {
        guard try batch.value.receive(from: socket, waits: waits) else {
            drain.value.isDrained = !drain.value.mayReceive
            return false
        }
        if drain.value.connections != nil, let producer = batch.value.header.connection {
            batch.value.forEachFrame { drain.value.connections?.note($0, from: producer) }
        }
        return true
    }

    /// Whether a message in the codec `batch` has entries that have not been admitted yet.
    var hasBatchInWork: Bool { batch.value.isUnderWay }

    private func receiveRest(of message: inout IngestMessage) throws(ZeroMQError) {
        message.frameCount = 1
        guard message.id.hasMore else { return }
        // libzmq delivers all frames of a message together, so this call does not wait.
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

    /// Adds the size of a message to the number of bytes received from its producer.
    ///
    /// Frames beyond the third are not added, because valid messages have none. A producer that sends such frames
    /// therefore always seems to be in the middle of a message.
    private func note(_ message: borrowing IngestMessage) {
        guard let producer = message.id.connection else { return }
        drain.value.connections?.note(message.id.byteCount, from: producer)
        if message.frameCount > 1 { drain.value.connections?.note(message.payload.byteCount, from: producer) }
        if message.frameCount > 2 { drain.value.connections?.note(message.third.byteCount, from: producer) }
    }

    /// Begins the drain: connected producers will be told to hang up, and everything that they have sent will be
    /// received. Call this once no new producers are admitted.
    func beginDrain() {
        drain.value.connections = PeerConnections(of: endpoint.endpoint, isCurve: socket.isCurve)
    }

    /// Tells connected producers to hang up. Call this when no messages are currently available.
    ///
    /// - Parameters:
    ///   - moment: The condition under which a producer may be told to hang up.
    ///   - hasReceived: Whether a message has been received since the last call.
    func hangUp(at moment: PeerConnections.Moment, hasReceived: Bool) {
        guard drain.value.mayReceive else { return }
        let (open, waiting) = drain.value.connections?.hangUp(at: moment, hasReceived: hasReceived) ?? (0, 0)
        drain.value.mayReceive = open > 0
        drain.value.waitsForQuiet = waiting > 0
    }

    /// The number of bytes that producers have sent but the daemon has not received.
    var unreadBytes: Int { drain.value.connections?.unreadBytes ?? 0 }

    /// Discards received messages, for at most 200 ms, because a producer may send faster than the daemon discards.
    ///
    /// - Returns: The number of discarded messages, including a message that was only partly admitted.
    func discard(by message: inout IngestMessage) throws(ZeroMQError) -> Int {
        var count = hasBatchInWork ? 1 : 0
        let end = ContinuousClock.now + .milliseconds(200)
        while ContinuousClock.now < end, try receive(into: &message) { count += 1 }
        return count
    }
}

extension Socket {
    /// Returns the endpoint with a `*` replaced by the actual port. Call this once the socket is attached.
    func resolved(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let attachment = endpoint.attachment ?? .bind
        return Endpoint(attachment, attachment == .bind ? try lastAddress() : endpoint.address)
    }
}

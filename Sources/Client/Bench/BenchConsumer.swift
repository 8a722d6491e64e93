import Foundation
import Wire
import ZeroMQ

/// The receiving end of a connection. It belongs to the thread that creates it.
struct BenchConsumer: ~Copyable {
    private let socket: Socket
    private var first = Message()
    private var second = Message()
    private var third = Message()
    private var frameCount = 0
    private let handshake: Handshake
    private let announced: [UInt8]?
    private let receivesBatches: Bool
    private let isDaemon: Bool
    /// The number of times that a batch contains an entry's id. The daemon repeats the id for each timestep.
    private let idsPerEntry: Int

    init(_ target: BenchTarget, _ plan: BenchPlan, in context: Context) throws {
        let topic = target.announcesSubscriptions ? "\(StreamID.ownTopics)subscribed/\(UUID().uuidString)" : nil
        // Subscribe to everything if the target publishes batches. The daemon's batches have topics of their own, and a
        // forwarded batch begins with its header.
        let prefix = target.publishesBatches ? "" : plan.prefix
        socket = try Self.open(
            target.decisions, target.credentials, topics: [prefix] + [topic].compactMap(\.self), in: context)
        handshake = Handshake(plan)
        announced = topic.map { Array($0.utf8) }
        receivesBatches = target.publishesBatches
        isDaemon = target.announcesSubscriptions
        idsPerEntry = isDaemon ? plan.timesteps : 1
    }

    private static func open(
        _ endpoint: Endpoint, _ credentials: CurveCredentials?, topics: [String], in context: Context
    ) throws(ZeroMQError) -> Socket {
        let socket = try Socket(.sub, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveHighWaterMark, to: 0)
        try socket.set(.receiveTimeout, to: 5)
        try socket.authenticate(with: credentials, at: endpoint)
        try socket.attach(to: endpoint, otherwise: .connect)
        for topic in topics { try socket.subscribe(topic) }
        return socket
    }

    /// Takes the next step of a handshake after which no message is lost.
    ///
    /// - Returns: Whether the connection is ready. If it is, all later messages belong to the load.
    mutating func advanceConnection(_ flow: BenchFlow) throws -> Bool {
        guard try receiveMessage() else { return false }
        if announced == nil || Array(copying: first.bytes) == announced {
            flow.isInForce.store(true, ordering: .releasing)
        }
        return receivesBatches ? hasEntry(handshake.go) : Array(copying: first.bytes) == handshake.go
    }

    /// Whether the received message is a batch with an entry of a stream.
    private func hasEntry(_ id: [UInt8]) -> Bool {
        let count = entries * idsPerEntry
        guard count > 0 else { return false }
        let width = second.byteCount / count
        return (0..<count).contains { Array(copying: PaddedIDs.id(at: $0, in: second.bytes, width: width)) == id }
    }

    /// Waits at most 5 ms for a message.
    ///
    /// - Returns: The number of entries in the message; 0 if no message arrived.
    @inline(__always)
    mutating func receive() throws(ZeroMQError) -> Int {
        guard try receiveMessage() else { return 0 }
        return receivesBatches ? entries : 1
    }

    private mutating func receiveMessage() throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &first, wait: true) else { return false }
        frameCount = 1
        guard first.hasMore else { return true }
        _ = try socket.receive(into: &second, wait: true)
        frameCount = 2
        guard second.hasMore else { return true }
        _ = try socket.receive(into: &third, wait: true)
        frameCount = 3
        precondition(!third.hasMore, "neither the daemon nor the forwarder publishes more than three frames")
        return true
    }

    /// The number of entries in the received batch; 0 for an event or a forwarded dictionary, which have two frames.
    private var entries: Int {
        guard frameCount == 3 else { return 0 }
        guard isDaemon else { return (try? BatchHeader(first.rawBytes).count) ?? 0 }
        // The byte just before the outputs of a record holds the number of outputs.
        let outputs = Int(third.rawBytes.littleEndian(at: 27, as: UInt8.self))
        return third.byteCount / Decision.recordSize(outputs: outputs) / idsPerEntry
    }
}

import Foundation
import Synchronization
import Wire
import ZeroMQ

/// Something that takes timestep messages at one endpoint and gives messages on the same streams back at another.
struct BenchTarget: Sendable {
    /// Where it takes messages, as the client attaches to it.
    let ingest: IngestEndpoint
    /// Where it gives messages back, as the client attaches to it.
    let decisions: Endpoint
    /// Whether it tells its subscribers that their subscriptions are in force, as the daemon does.
    let announcesSubscriptions: Bool
    /// The client's keys, where the target asks for them.
    var credentials: CurveCredentials?
}

/// The sockets' homes: one for each direction, so that each has its own libzmq thread in every round. Of two threads of one
/// context, libzmq may give both directions the same.
struct BenchContexts: Sendable {
    let sending: Context
    let receiving: Context

    init() throws(ZeroMQError) {
        sending = try Context()
        receiving = try Context()
    }
}

/// The stream that both ends agree over, beside those of the load: its messages are not counted.
private struct Handshake {
    /// Sent again and again until one comes back; there is no other way where nothing is announced.
    let probe: [UInt8]
    /// Sent once: whatever comes after it belongs to the load.
    let go: [UInt8]

    init(_ plan: BenchPlan) {
        probe = Array("\(plan.prefix)probe".utf8)
        go = Array("\(plan.prefix)go".utf8)
    }
}

/// The sending end. Belongs to the thread that creates it.
struct BenchProducer: ~Copyable {
    private let socket: Socket
    private let load: Load
    private let handshake: Handshake
    private let probes: Bool
    private var hasSubscriber: Bool

    init(_ target: BenchTarget, _ plan: BenchPlan, _ load: Load, in context: Context) throws {
        socket = try Self.open(target.ingest, target.credentials, in: context)
        hasSubscriber = target.ingest.kind == .pull
        probes = !target.announcesSubscriptions
        handshake = Handshake(plan)
        self.load = load
    }

    private static func open(
        _ ingest: IngestEndpoint, _ credentials: CurveCredentials?, in context: Context
    ) throws(ZeroMQError) -> Socket {
        let socket = try Socket(ingest.kind == .pull ? .push : .xpub, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.sendHighWaterMark, to: 0)
        try socket.set(.sendTimeout, to: 1000)
        if ingest.kind == .sub { try socket.set(.publisherWaits, to: 1) }
        try socket.authenticate(with: credentials, at: ingest.endpoint)
        try socket.attach(to: ingest.endpoint, otherwise: .connect)
        return socket
    }

    /// Goes a step towards a connection that loses nothing.
    ///
    /// - Returns: Whether it is there, and the load may begin.
    mutating func connects(_ flow: BenchFlow) throws -> Bool {
        if !hasSubscriber {
            // A subscription is the byte 1 and the prefix subscribed to.
            guard let subscription = try socket.receiveFrames(wait: false)?.first else { return false }
            hasSubscriber = subscription.first == 1 && handshake.go.starts(with: subscription.dropFirst())
            if !hasSubscriber { return false }
        }
        let inForce = flow.isInForce.load(ordering: .acquiring)
        guard inForce || probes else { return false }
        try socket.sendFrames([inForce ? handshake.go : handshake.probe, Array(copying: load.payload(0))], wait: true)
        return inForce
    }

    /// Sends one of the load's messages.
    ///
    /// - Returns: Whether it was taken within a second.
    @inline(__always)
    func send(_ message: Int) throws(ZeroMQError) -> Bool {
        guard try socket.send(load.id(message), more: true, wait: true) else { return false }
        return try socket.send(load.payload(message), wait: true)
    }
}

/// The receiving end. Belongs to the thread that creates it.
struct BenchConsumer: ~Copyable {
    private let socket: Socket
    private var message = Message()
    private let handshake: Handshake
    private let announced: [UInt8]?

    init(_ target: BenchTarget, _ plan: BenchPlan, in context: Context) throws {
        let topic = target.announcesSubscriptions ? "\(StreamID.ownTopics)subscribed/\(UUID().uuidString)" : nil
        socket = try Self.open(
            target.decisions, target.credentials, topics: [plan.prefix] + [topic].compactMap(\.self), in: context)
        handshake = Handshake(plan)
        announced = topic.map { Array($0.utf8) }
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

    /// Goes a step towards a connection that loses nothing.
    ///
    /// - Returns: Whether it is there, and all that comes belongs to the load.
    mutating func connects(_ flow: BenchFlow) throws -> Bool {
        guard let topic = try socket.receiveFrames(wait: true)?.first else { return false }
        if announced == nil || topic == announced { flow.isInForce.store(true, ordering: .releasing) }
        return topic == handshake.go
    }

    /// Waits at most 5 ms for a whole message.
    ///
    /// - Returns: Whether one came.
    @inline(__always)
    mutating func receive() throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &message, wait: true) else { return false }
        while message.hasMore {
            _ = try socket.receive(into: &message, wait: true)
        }
        return true
    }
}

/// A thread of its own for sockets of its own.
final class BenchThread: Sendable {
    private let failure = Mutex<(any Error)?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the thread.
    init(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        let thread = Thread { [self] in
            do {
                try body()
            } catch {
                failure.withLock { $0 = error }
            }
            ended.signal()
        }
        thread.start()
        // Afterwards: the system does not hear of a name that a thread had before.
        thread.name = name
    }

    /// Waits until it has ended. To be called once.
    ///
    /// - Throws: What the body threw.
    func join() throws {
        ended.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

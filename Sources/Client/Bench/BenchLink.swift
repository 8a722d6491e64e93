import Foundation
import Synchronization
import Wire
import ZeroMQ

/// A program that receives timestep messages at one endpoint and publishes messages for the same streams at another.
struct BenchTarget: Sendable {
    /// The client's side of the endpoint at which the program receives messages.
    let ingest: IngestEndpoint
    /// The client's side of the endpoint at which the program publishes messages.
    let decisions: Endpoint
    /// Whether the target confirms subscriptions, as the daemon does.
    let announcesSubscriptions: Bool
    /// Whether the target publishes a single message for each batch that it receives.
    var publishesBatches = false
    /// The client's keys, if the target requires keys.
    var credentials: CurveCredentials?
}

/// The contexts of the sockets, one per direction. Separate contexts guarantee that the directions use separate libzmq
/// threads in every round. In one context with two threads, libzmq could assign both sockets to the same thread.
struct BenchContexts: Sendable {
    let sending: Context
    let receiving: Context

    init() throws(ZeroMQError) {
        sending = try Context()
        receiving = try Context()
    }
}

/// The ids of two extra streams, whose messages set up the connection. These messages are not part of the load.
struct Handshake {
    /// The stream of the probes, which are sent until one comes back. If the target does not confirm subscriptions, the
    /// returned probe proves that the connection works.
    let probe: [UInt8]
    /// The stream of the handshake's last message, which is sent once. Every later message belongs to the load.
    let go: [UInt8]

    init(_ plan: BenchPlan) {
        probe = Array("\(plan.prefix)probe".utf8)
        go = Array("\(plan.prefix)go".utf8)
    }
}

/// The sending end of a connection. It belongs to the thread that creates it.
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

    /// Takes the next step of a handshake after which no message is lost.
    ///
    /// - Returns: Whether the handshake's last message is sent. The load may begin when it comes back.
    mutating func advanceConnection(_ flow: BenchFlow) throws -> Bool {
        if !hasSubscriber {
            // A subscription message consists of the byte 1 and the prefix.
            guard let subscription = try socket.receiveFrames(wait: false)?.first else { return false }
            hasSubscriber = subscription.first == 1 && handshake.go.starts(with: subscription.dropFirst())
            if !hasSubscriber { return false }
        }
        let inForce = flow.isInForce.load(ordering: .acquiring)
        guard inForce || probes else { return false }
        if inForce, let announcement = load.announcement { try socket.sendFrames(announcement, wait: true) }
        try socket.sendFrames(load.frames(id: inForce ? handshake.go : handshake.probe), wait: true)
        return inForce
    }

    /// Sends one message of the load.
    ///
    /// - Returns: Whether the message was accepted within a second.
    @inline(__always)
    func send(_ message: Int) throws(ZeroMQError) -> Bool {
        if let header = load.header {
            guard try socket.send(header.span, more: true, wait: true) else { return false }
        }
        guard try socket.send(load.names(message), more: true, wait: true) else { return false }
        return try socket.send(load.values(message), wait: true)
    }
}

/// A thread that runs one end of a connection and keeps the error that ended it, if any.
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
        // Set the name after the start, because the system does not learn the name of a thread that has not started.
        thread.name = name
    }

    /// Waits until the thread ends. Call this function once.
    ///
    /// - Throws: The error that ended the body, if any.
    func join() throws {
        ended.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

#if Cluster
import Cluster
import Glibc
import Logging
import NATS
import Streams
import Synchronization
import Wire
import ZeroMQ

/// Takes the messages of ZeroMQ producers into the partitions' logs. Every node has a gateway, whichever partitions it
/// owns.
///
///     producers ─▶ IngestSocket ─▶ GatewayIngest ─▶ GatherBuffer ─▶ GatewayPublisher ─▶ IN_p
///
/// The gateway has a thread of its own and a connection of its own.
final class ClusterGateway: Sendable {
    /// The endpoints of the sockets. A `*` is replaced by the actual port.
    let endpoints: [IngestEndpoint]
    /// The counts, renewed about ten times a second.
    let measures = Mutex(GatewayMeasures())
    fileprivate let wakeup: Wakeup
    fileprivate let isStopping = Atomic<Bool>(false)
    fileprivate let access: AccessGuard
    fileprivate let logger: Logger
    /// The state of the thread, until the thread takes it.
    private let loop: Mutex<GatewayLoop?>

    /// Opens the ingest sockets. Producers may send from now on.
    ///
    /// - Parameters:
    ///   - configuration: The configuration of the daemon.
    ///   - models: The models, which tell how to read messages in codecs other than `binary`.
    ///   - partitions: The number of partitions of the cluster.
    ///   - connection: A connection that only the gateway uses.
    ///   - context: The libzmq context in which to create the sockets.
    ///   - access: The guard that admits producers.
    ///   - logger: The daemon's log.
    /// - Throws: ``DaemonError``, for example if an endpoint is in use.
    init(
        _ configuration: DaemonConfiguration, models: [ServedModel], partitions: Int, over connection: Connection,
        in context: Context, by access: AccessGuard, logger: Logger
    ) throws(DaemonError) {
        let routes = ModelRoutes(models)
        let ingest: GatewayIngest
        do throws(ZeroMQError) {
            wakeup = try Wakeup()
            ingest = try GatewayIngest(configuration, routes: routes, in: context, by: access, logger: logger)
        } catch {
            throw configuration.startError(error)
        }
        endpoints = ingest.sockets.map(\.endpoint)
        do throws(NATSError) {
            let publisher = try GatewayPublisher(
                partitions: partitions,
                payloadLimit: routes.payloadLimit(decisionBytes: LogMessage.maximumDecisionBytes),
                connection: connection, logger: logger)
            loop = Mutex(GatewayLoop(ingest, publisher, wakeup: wakeup))
        } catch {
            throw DaemonError(.software, error.description)
        }
        self.access = access
        self.logger = logger
    }

    /// Takes messages until ``stop()``, then those that producers have sent by then. Returns once all are stored.
    ///
    /// - Throws: ``DaemonError`` if a socket failed, or if the connection is closed for good.
    func run() throws(DaemonError) {
        ThreadName.take("sluice-gateway")
        guard var loop = loop.withLock({ $0.take() }) else { return }
        do {
            while !isStopping.load(ordering: .acquiring) { try loop.turn(for: self) }
            try loop.drain(for: self)
        } catch {
            throw DaemonError(.software, "the gateway failed: \(error)")
        }
    }

    /// Asks ``run()`` to take what producers have sent, and to return. Can be called from any thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeup.signal()
    }
}

/// The state of a gateway's thread.
private struct GatewayLoop: ~Copyable {
    /// The time to receive from one socket before the others, and NATS, get their turn, in nanoseconds.
    private static let timePerTurn: Int64 = 1_000_000
    /// The time between two renewals of the measures, in nanoseconds.
    private static let measuresInterval: Int64 = 100_000_000

    private var ingest: GatewayIngest
    private var publisher: GatewayPublisher
    private var message = IngestMessage()
    private var poller = Poller()
    private let items: [Int]
    private let wakeupItem: Int
    private var measuredAt: Int64 = 0

    init(_ ingest: consuming GatewayIngest, _ publisher: consuming GatewayPublisher, wakeup: Wakeup) {
        var poller = Poller()
        items = ingest.sockets.map { poller.add($0.socket) }
        wakeupItem = poller.add(wakeup)
        self.poller = poller
        self.ingest = ingest
        self.publisher = publisher
    }

    /// Waits for messages, and takes them.
    mutating func turn(for gateway: ClusterGateway) throws {
        for (socket, item) in zip(ingest.sockets, items) { poller.watch(item, publisher.hasRoom(for: socket)) }
        try poller.wait(milliseconds: publisher.millisecondsToWait(at: SteadyClock.now()))
        if poller.mayBeReadable(wakeupItem) { gateway.wakeup.clear() }
        for (socket, item) in zip(ingest.sockets, items) where poller.mayBeReadable(item) {
            _ = try ingest.receive(from: socket, for: Self.timePerTurn, by: &message, into: &publisher)
        }
        let now = SteadyClock.now()
        try publisher.turn(at: now)
        if now - measuredAt >= Self.measuresInterval { measure(for: gateway, at: now) }
    }

    private mutating func measure(for gateway: ClusterGateway, at now: Int64) {
        measuredAt = now
        let measures = GatewayMeasures(
            messages: ingest.messages, dropped: ingest.dropped, discarded: ingest.discarded,
            stored: publisher.buffer.storedCount, retries: publisher.buffer.retryCount,
            waitingBytes: publisher.buffer.byteCount, isStalled: publisher.isStalled)
        gateway.measures.withLock { $0 = measures }
    }
}

/// The orderly stop.
extension GatewayLoop {
    /// The time to spend at most on receiving what producers have sent.
    private static let receiveTime = Duration.seconds(2)
    /// The time to wait at most until NATS has stored everything.
    private static let settleTime = Duration.seconds(5)

    mutating func drain(for gateway: ClusterGateway) throws {
        // From here on, no producer completes a handshake.
        gateway.access.closeIngest()
        for socket in ingest.sockets { socket.beginDrain() }
        for item in items { poller.watch(item, false) }
        let start = ContinuousClock.now
        try receiveRest(since: start)
        while !publisher.buffer.isEmpty, ContinuousClock.now - start < Self.receiveTime + Self.settleTime {
            try poller.wait(milliseconds: 1)
            try publisher.turn(at: SteadyClock.now())
        }
        ingest.flushLog()
        measure(for: gateway, at: SteadyClock.now())
        tellLosses(gateway.logger)
    }

    private mutating func receiveRest(since start: ContinuousClock.Instant) throws {
        var elapsed = Duration.zero
        var isBusy = true
        while ingest.sockets.contains(where: { !$0.isDrained }), elapsed < Self.receiveTime {
            let waitsForQuiet = ingest.sockets.contains { $0.waitsForQuiet }
            try poller.wait(milliseconds: isBusy || waitsForQuiet ? 0 : 1)
            let moment = HotLoop.hangUpMoment(after: elapsed)
            if waitsForQuiet, case .quiet = moment { usleep(HotLoop.lookPause) }
            isBusy = false
            for socket in ingest.sockets where !socket.isDrained {
                let hasReceived = try ingest.receive(
                    from: socket, for: Self.timePerTurn, by: &message, into: &publisher)
                // While producers have to wait, it is unknown what they have sent.
                if publisher.hasRoom(for: socket) { socket.hangUp(at: moment, hasReceived: hasReceived) }
                isBusy = isBusy || hasReceived
            }
            try publisher.turn(at: SteadyClock.now())
            elapsed = ContinuousClock.now - start
        }
    }

    private func tellLosses(_ logger: Logger) {
        let unread = ingest.sockets.filter { !$0.isDrained }.reduce(0) { $0 + $1.unreadBytes }
        guard unread > 0 || !publisher.buffer.isEmpty else { return }
        logger.warning(
            """
            NATS has not confirmed \(publisher.buffer.byteCount) bytes of producers' messages in time, and \(unread) \
            bytes were not received; they are lost
            """)
    }
}
#endif

#if Cluster
import Cluster
import Logging
import NATS
import Synchronization
import Wire
import ZeroMQ

/// Publishes the decisions and events of all partitions to ZeroMQ subscribers. Every node has an outlet, whichever
/// partitions it owns.
///
///     OUT_p ─▶ StreamFollower ─▶ ChainReader ─▶ DecisionPublisher ─▶ subscribers
///
/// The outlet begins at the end of each chain, and passes on each message of a chain in order and once. It has a thread
/// of its own and a connection of its own.
final class ClusterOutlet: Sendable {
    /// The endpoints of the sockets. A `*` is replaced by the actual port.
    let endpoints: [Endpoint]
    /// The counts, renewed about ten times a second.
    let measures = Mutex(OutletMeasures())
    private let isStopping = Atomic<Bool>(false)
    /// The state of the thread, until the thread takes it.
    private let loop: Mutex<OutletLoop?>

    /// Opens the decisions sockets.
    ///
    /// - Parameters:
    ///   - configuration: The configuration of the daemon.
    ///   - partitions: The number of partitions of the cluster.
    ///   - connection: A connection that only the outlet uses.
    ///   - context: The libzmq context in which to create the sockets.
    ///   - access: The guard that admits subscribers.
    ///   - logger: The daemon's log.
    /// - Throws: ``DaemonError``, for example if an endpoint is in use.
    init(
        _ configuration: DaemonConfiguration, partitions: Int, over connection: Connection, in context: Context,
        by access: AccessGuard, logger: Logger
    ) throws(DaemonError) {
        let publishers: [DecisionPublisher]
        do throws(ZeroMQError) {
            publishers = try configuration.decisions.map { decisions throws(ZeroMQError) in
                try DecisionPublisher(decisions, configuration, in: context, by: access)
            }
        } catch {
            throw configuration.startError(error)
        }
        endpoints = publishers.map(\.socket.endpoint)
        do throws(NATSError) {
            let reader = ChainReader(publishers, models: configuration.models.count)
            loop = Mutex(OutletLoop(reader, partitions: partitions, inbox: try Inbox(on: connection), logger: logger))
        } catch {
            throw DaemonError(.software, error.description)
        }
    }

    /// Publishes until ``stop()``.
    ///
    /// - Throws: ``DaemonError`` if a socket failed, or if the connection is closed for good.
    func run() throws(DaemonError) {
        ThreadName.take("sluice-outlet")
        guard var loop = loop.withLock({ $0.take() }) else { return }
        do {
            while !isStopping.load(ordering: .acquiring) {
                if let measures = try loop.turn() { self.measures.withLock { $0 = measures } }
            }
        } catch {
            throw DaemonError(.software, "the outlet failed: \(error)")
        }
    }

    /// Asks ``run()`` to return. Can be called from any thread.
    func stop() { isStopping.store(true, ordering: .releasing) }
}

/// The state of an outlet's thread.
private struct OutletLoop: ~Copyable {
    /// The time to wait for a message of a chain, in milliseconds, before new subscriptions get their turn.
    private static let patience = 10
    /// The maximum number of messages to take before new subscriptions get their turn.
    private static let messagesPerTurn = 256
    /// The time between two looks at the ends of silent chains, and between two attempts to find the ends at the start,
    /// in nanoseconds.
    private static let lookInterval: Int64 = 1_000_000_000
    /// The time between two renewals of the measures, in nanoseconds.
    private static let measuresInterval: Int64 = 100_000_000
    /// The limits of what is on its way from one chain.
    private static let window = StreamFollower.Window(messages: 128, bytes: 2 << 20)

    private struct Place {
        let follower: StreamFollower
        /// Whether the chain's end at the start is known.
        var hasBegun = false
        /// The next sequence at the last look, if the chain had that message already.
        var missing: UInt64?
    }

    private let reader: ChainReader
    private let inbox: Inbox
    private let logger: Logger
    private var poller = Poller()
    private let items: [Int]
    private var places: [Place]
    /// The partitions by the names of their chains.
    private let partitions: [String: Int]
    /// The questions for the ends of chains, by their tokens.
    private var questions: [UInt64: Int] = [:]
    private var nextLook: Int64 = 0
    /// The partition at which the current look has arrived; nil between two looks.
    private var looking: Int?
    private var measures = OutletMeasures()
    private var nextMeasures: Int64 = 0

    init(_ reader: ChainReader, partitions count: Int, inbox: Inbox, logger: Logger) {
        self.reader = reader
        self.inbox = inbox
        self.logger = logger
        var poller = Poller()
        items = reader.publishers.map { poller.add($0.socket.socket) }
        self.poller = poller
        places = (0..<count).map { partition in
            Place(
                follower: StreamFollower(stream: ClusterNames.chain(partition), inbox: inbox, window: Self.window))
        }
        partitions = Dictionary(uniqueKeysWithValues: (0..<count).map { (ClusterNames.chain($0), $0) })
    }

    /// Waits for messages of the chains, and publishes them.
    ///
    /// - Returns: The measures, if they are due.
    mutating func turn() throws -> OutletMeasures? {
        try poller.wait(milliseconds: 0)
        for (publisher, item) in zip(reader.publishers, items) where poller.mayBeReadable(item) {
            try publisher.takeSubscriptions()
        }
        var wait = Self.patience
        for _ in 0..<Self.messagesPerTurn {
            guard let message = try inbox.next(timeoutMilliseconds: wait) else { break }
            wait = 0
            try take(message, at: SteadyClock.now())
        }
        let now = SteadyClock.now()
        for place in places { place.follower.turn(at: now, wants: true) }
        if now >= nextLook { look(at: now) }
        guard now >= nextMeasures else { return nil }
        nextMeasures = now + Self.measuresInterval
        measures.messages = reader.messages
        measures.malformed = reader.malformed
        measures.followed = places.count { $0.follower.isFollowing }
        measures.overflows = reader.publishers.reduce(0) { $0 + $1.socket.overflows }
        return measures
    }

    // MARK: Messages

    private mutating func take(_ message: NATS.Message, at now: Int64) throws(ZeroMQError) {
        guard let delivery = message.delivery else {
            guard let token = message.token else { return }
            if let partition = questions.removeValue(forKey: token) { return takeEnd(of: partition, message) }
            for place in places where place.follower.take(message, nil, at: now) != .foreign { return }
            return
        }
        guard let partition = partitions[delivery.stream] else { return }
        let follower = places[partition].follower
        let expected = follower.next
        guard case .message = follower.take(message, delivery, at: now) else { return }
        if delivery.sequence > expected {
            measures.missed += delivery.sequence - expected
            logger.warning(
                """
                \(delivery.sequence - expected) messages of partition \(partition) are not published here, as they were \
                purged before they arrived
                """)
        }
        try reader.take(message, of: partition) { [logger] error in
            logger.error(
                "message \(delivery.sequence) of the chain of partition \(partition) is not published: \(error)")
        }
    }

    // MARK: The ends of the chains

    /// Asks for the ends of the chains that are not followed yet. Also begins to compare the others with their ends,
    /// because a consumer can go silent without an error.
    private mutating func look(at now: Int64) {
        nextLook = now + Self.lookInterval
        questions.removeAll()
        for partition in places.indices where !places[partition].hasBegun { ask(partition) }
        looking = nil
        lookOn()
    }

    /// Asks for the end of the next chain. The questions follow each other, so that they are no burst.
    private mutating func lookOn() {
        let next = (looking ?? -1) + 1
        looking = places[next...].firstIndex { $0.hasBegun }
        if let looking { ask(looking) }
    }

    private mutating func ask(_ partition: Int) {
        // While the connection is down, the next look asks again.
        guard let token = try? inbox.send(JetStream.streamInformation(ClusterNames.chain(partition))) else { return }
        questions[token] = partition
    }

    private mutating func takeEnd(of partition: Int, _ message: NATS.Message) {
        guard let end = try? StreamInformation(message).lastSequence else { return }
        guard places[partition].hasBegun else {
            places[partition].hasBegun = true
            return places[partition].follower.follow(from: end + 1)
        }
        let next = places[partition].follower.next
        let isBehind = end >= next
        // The message may be on its way. A second later, it is lost.
        if isBehind, places[partition].missing == next { places[partition].follower.follow(from: next) }
        places[partition].missing = isBehind ? next : nil
        if looking == partition { lookOn() }
    }
}
#endif

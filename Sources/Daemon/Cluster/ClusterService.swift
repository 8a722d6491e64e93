#if Cluster
import Cluster
import Dispatch
import Foundation
import Logging
import NATS
import Streams
import Synchronization
import Wire
import ZeroMQ

/// A node of a cluster. In place of the hot loop, it runs a coordinator, workers that own partitions, a gateway for
/// producers and an outlet for subscribers, each on threads of its own and with a connection of its own.
struct ClusterService: Sendable {
    /// The time for each request during the start, in milliseconds.
    private static let patience = 5_000

    private let configuration: DaemonConfiguration
    private let cluster: ClusterConfiguration
    private let offer: ServeOffer
    private let access: AccessGuard
    private let logger: Logger

    init(
        _ configuration: DaemonConfiguration, _ cluster: ClusterConfiguration, models: [ServedModel],
        access: AccessGuard, logger: Logger
    ) {
        self.configuration = configuration
        self.cluster = cluster
        offer = ServeOffer(
            models: models, maximumStreams: cluster.maximumStreamsPerPartition,
            forgetAfter: configuration.forgetAfter.map { Int64($0 * 1e9) })
        self.access = access
        self.logger = logger
    }

    /// Serves until a stop is requested. Tells systemd when the node is ready, that it is alive, and when it stops.
    ///
    /// - Parameter stop: Receives signals and limits how long a stop may take.
    /// - Throws: ``DaemonError`` if the node cannot start, or if a connection is closed for good.
    func run(_ stop: StopWatch) throws(DaemonError) {
        let notifier = try ServiceNotifier()
        let connection = try connect("coordinator")
        try checkServer(connection)
        let facts = try facts(over: connection)
        try beginLogs(facts, over: connection)

        let incarnation = UInt64.random(in: .min ... .max)
        let coordinator = ClusterCoordinator(membership(incarnation, facts, over: connection))
        let library = try makeLibrary()
        let workers = try makeWorkers(
            facts, claim: ChainClaim(node: cluster.node, incarnation: incarnation), library, coordinator)
        let edge = try ClusterEdge(
            configuration, node: cluster.node, instance: String(incarnation, radix: 16), models: offer.models,
            library: library, facts: facts,
            coordinator: coordinator, access: access, logger: logger,
            connections: .init(
                gateway: connect("gateway"), outlet: connect("outlet"), control: connect("control")))
        try access.token.begin()
        let pages = NodePages(
            NodeFacts(
                node: cluster.node, models: offer.models, coordinator: coordinator, edge: edge))
        let http = try DaemonPages(pages, configuration.http, access.token).open(logger: logger)?.place

        let threads = ClusterThreads(logger: logger)
        for worker in workers {
            threads.start("sluice-part-\(worker.number)") { () throws(NATSError) in try worker.run() }
        }
        edge.start(threads)
        begin(stop, edge, coordinator, notifier)
        pages.begin(at: http)
        let places = "\(edge.places), http \(http.map { "\($0)" } ?? "off")"
        logger.info("ready: node \(cluster.node), \(facts.partitions) partitions, \(places)")
        notify(.ready(status: "node \(cluster.node), \(places)"), notifier)

        let reason: MembershipStop
        do throws(NATSError) {
            let addresses = Heartbeat.Addresses(control: edge.controlEndpoint, http: http.map { "http://\($0)" })
            reason = try coordinator.run(
                at: addresses, over: connection, workers: workers, watchdog: WatchdogReports(notifier), logger: logger)
        } catch {
            throw DaemonError(.software, error.description)
        }
        for worker in workers { worker.post(.stop) }
        edge.stop()
        threads.waitForEnd()
        access.end()
        stop.beginStoring()
        stop.end()
        if case .nameTaken(let addresses) = reason { throw nameTaken(addresses) }
    }

    /// The membership of this node, which refuses the partitions whose logs it cannot serve.
    private func membership(_ incarnation: UInt64, _ facts: ClusterFacts, over connection: Connection) -> Membership {
        var membership = Membership(
            node: cluster.node, incarnation: incarnation, partitions: facts.partitions, standbys: cluster.standbys)
        ServeCheck(offer: offer.record, connection: connection).refuse(facts, in: &membership)
        return membership
    }

    private func begin(
        _ stop: StopWatch, _ edge: ClusterEdge, _ coordinator: ClusterCoordinator, _ notifier: ServiceNotifier?
    ) {
        stop.begin(
            .init(
                stop: {
                    notify(.stopping, notifier)
                    edge.stopIngest()
                    coordinator.post(.leave)
                },
                reload: { [access, logger] in
                    if access.hasKeys { access.reload() }
                    logger.warning("SIGHUP does not reload models in a cluster")
                }))
    }

    private func nameTaken(_ addresses: Heartbeat.Addresses) -> DaemonError {
        DaemonError(
            .inUse,
            "another node named '\(cluster.node)' is in the cluster, with the control endpoint "
                + "\(addresses.control ?? "unknown"); give this one another name with --node NAME")
    }
}

/// The start.
extension ClusterService {
    private func notify(_ notice: ServiceNotifier.Notice, _ notifier: ServiceNotifier?) {
        do throws(DaemonError) {
            try notifier?.send(notice)
        } catch {
            logger.warning("\(error)")
        }
    }

    private func makeLibrary() throws(DaemonError) -> WeightsLibrary {
        let library = WeightsLibrary(configuration, models: offer.models, over: try connect("weights"), logger: logger)
        library.storeModels()
        return library
    }

    private func makeWorkers(
        _ facts: ClusterFacts, claim: ChainClaim, _ library: WeightsLibrary, _ coordinator: ClusterCoordinator
    ) throws(DaemonError) -> [ClusterWorker] {
        let count = min(ProcessInfo.processInfo.activeProcessorCount, facts.partitions)
        let settings = OwnershipSettings(
            claim: claim, offer: offer,
            // The node may own all partitions.
            history: HistoryLimits(
                points: configuration.historyPoints, bytes: configuration.historyBytes / facts.partitions),
            retainedMessages: UInt64(cluster.retainedMessages))
        return try (0..<count).map { number throws(DaemonError) in
            ClusterWorker(
                number, try connect("worker-\(number)"), settings: settings, library: library, logger: logger
            ) { coordinator.post(.report($0)) }
        }
    }

    private func connect(_ purpose: String) throws(DaemonError) -> Connection {
        var options = ConnectionOptions(servers: cluster.servers, name: "sluiced \(cluster.node) \(purpose)")
        if let file = cluster.nkeyFile { options.login = .nkeySeed(file: file) }
        if let file = cluster.credentialsFile { options.login = .credentials(file: file) }
        if cluster.authorityFile != nil || cluster.certificateFile != nil {
            options.tls = .init(
                authorities: cluster.authorityFile, certificate: cluster.certificateFile, key: cluster.keyFile)
        }
        do throws(NATSError) {
            return try Connection(options)
        } catch {
            throw DaemonError(.cannotCreate, error.description)
        }
    }

    private func checkServer(_ connection: Connection) throws(DaemonError) {
        let server: ServerInformation
        do throws(NATSError) {
            server = try connection.serverInformation()
        } catch {
            throw DaemonError(.cannotCreate, error.description)
        }
        if let warning = try ServerRequirement(acceptsUnsafe: cluster.acceptsUnsafeServers).warning(of: server) {
            logger.warning("\(warning)")
        }
    }

    /// Reads the facts that `sluice cluster create` has stored.
    private func facts(over connection: Connection) throws(DaemonError) -> ClusterFacts {
        let bucket = KeyValue(bucket: ClusterNames.facts)
        let request = JetStream.lastMessage(of: bucket.subject(of: ClusterNames.factsKey), in: bucket.stream)
        do {
            let message = try connection.request(request, timeoutMilliseconds: Self.patience)
            let stored = try StoredMessage(message)
            return try JSONBytes.decode(ClusterFacts.self, from: unsafe stored.payload.span.bytes)
        } catch let error as JetStreamError where error.isNotFound {
            throw DaemonError(
                .configuration,
                "NATS has no cluster of Sluice yet; run 'sluice cluster create --nats "
                    + "\(cluster.servers.joined(separator: ","))'")
        } catch {
            throw DaemonError(.cannotCreate, "the cluster's facts cannot be read: \(error)")
        }
    }

    /// Checks that the streams which all partitions share are there, and writes the record that says what is served to the
    /// logs that have none yet.
    private func beginLogs(_ facts: ClusterFacts, over connection: Connection) throws(DaemonError) {
        for stream in [ClusterNames.chunks, ClusterNames.snapshots, ClusterNames.weights] {
            do {
                let request = JetStream.streamInformation(stream)
                let found = try StreamInformation(connection.request(request, timeoutMilliseconds: Self.patience))
                if found.allowsDirect { continue }
            } catch {
                throw unusable(stream, "\(error)")
            }
            throw unusable(stream, "it was created by an earlier version")
        }
        let beginning = LogBeginning(record: offer.record, connection: connection, patience: Self.patience)
        var replicas = facts.replicas
        for partition in 0..<facts.partitions { replicas = min(replicas, try beginning.write(partition).replicas) }
        if let warning = ServerRequirement.warning(replicas: replicas) { logger.warning("\(warning)") }
    }

    private func unusable(_ stream: String, _ reason: String) -> DaemonError {
        DaemonError(
            .configuration,
            "the stream \(stream) cannot be used: \(reason); run 'sluice cluster create' again, which creates what is "
                + "missing")
    }
}

/// The node's threads. If one of them fails, the process ends: what it owns is taken over by other nodes.
final class ClusterThreads: Sendable {
    private let logger: Logger
    private let running = DispatchGroup()

    init(logger: Logger) { self.logger = logger }

    func start(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        running.enter()
        let thread = Thread { [self] in
            ThreadName.take(name)
            do {
                try body()
            } catch {
                logger.critical("\(name) ended: \(error)")
                _exit(DaemonError.Code.software.rawValue)
            }
            running.leave()
        }
        thread.start()
    }

    func waitForEnd() { running.wait() }
}
#endif

#if Cluster
import Logging
import NATS
import Streams
import Synchronization
import Wire
import ZeroMQ

/// The sockets of a node of a cluster: the gateway for producers, the outlet for subscribers, and control.
final class ClusterEdge: Sendable {
    /// The connections, one for each thread.
    struct Connections {
        let gateway: Connection
        let outlet: Connection
        let control: Connection
    }

    private let gateway: ClusterGateway
    private let outlet: ClusterOutlet
    private let control: ClusterControl
    /// The control socket, until its thread takes it.
    private let server: Mutex<ControlServer?>
    /// The endpoint of the control socket.
    let controlEndpoint: String
    private let nodeStatus: NodeStatus

    /// Opens the sockets. Producers may send from now on.
    ///
    /// - Throws: ``DaemonError`` if an endpoint is in use or cannot be opened.
    init(
        _ configuration: DaemonConfiguration, node: String, instance: String, models: [ServedModel],
        library: WeightsLibrary, facts: ClusterFacts, coordinator: ClusterCoordinator, access: AccessGuard,
        logger: Logger, connections: Connections
    ) throws(DaemonError) {
        let context: Context
        do throws(ZeroMQError) {
            context = try Context(ioThreads: configuration.ioThreads)
            try access.open(in: context)
            let server = try ControlServer(configuration.control, in: context, by: access)
            controlEndpoint = server.endpoint.address
            self.server = Mutex(consume server)
        } catch {
            throw configuration.startError(error)
        }
        gateway = try ClusterGateway(
            configuration, models: models, partitions: facts.partitions, over: connections.gateway, in: context,
            by: access, logger: logger)
        outlet = try ClusterOutlet(
            configuration, partitions: facts.partitions, over: connections.outlet, in: context, by: access,
            logger: logger)
        nodeStatus = NodeStatus(
            configuration, instance: instance, models: models, gateway: gateway, outlet: outlet,
            control: controlEndpoint, access: access)
        do throws(ZeroMQError) {
            control = try ClusterControl(
                node: node, facts: facts, status: nodeStatus, models: models, library: library,
                coordinator: coordinator,
                connection: connections.control, logger: logger)
        } catch {
            throw configuration.startError(error)
        }
    }

    /// Carries out a control request of this process. Can be called from any thread.
    func carryOut(_ request: RawRequest) { control.carryOut(request) }

    /// The endpoints, for the log.
    var places: String {
        let ingest = gateway.endpoints.map { "\($0)" }.joined(separator: " ")
        let decisions = outlet.endpoints.map(\.address).joined(separator: " ")
        return "ingest \(ingest), decisions \(decisions), control \(controlEndpoint)"
    }

    /// The part of `status` that the node knows itself.
    var status: DaemonStatus { nodeStatus.current }

    /// The counts of the gateway.
    var gatewayMeasures: GatewayMeasures { gateway.measures.withLock(\.self) }
    /// The counts of the outlet.
    var outletMeasures: OutletMeasures { outlet.measures.withLock(\.self) }
    /// The number of control requests answered.
    var controlRequests: DaemonMetrics.ControlRequests { control.answered.withLock(\.self) }

    /// Starts the threads.
    func start(_ threads: ClusterThreads) {
        threads.start("sluice-gateway") { [self] in try gateway.run() }
        threads.start("sluice-outlet") { [self] in try outlet.run() }
        threads.start("sluice-control") { [self] in
            guard let server = server.withLock({ $0.take() }) else { return }
            try control.run(server)
        }
    }

    /// Admits no more timesteps. What producers have sent is still stored.
    func stopIngest() { gateway.stop() }

    /// Ends the threads.
    func stop() {
        gateway.stop()
        outlet.stop()
        control.stop()
    }
}
#endif

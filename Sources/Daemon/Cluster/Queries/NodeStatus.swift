#if Cluster
import Streams
import Wire

/// The part of `status` that a node of a cluster knows itself.
final class NodeStatus: Sendable {
    private let started = ContinuousClock.now
    private let instance: String
    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
    private let gateway: ClusterGateway
    private let outlet: ClusterOutlet
    private let control: String
    private let access: AccessGuard

    /// Creates the status of a node whose sockets are open.
    ///
    /// - Parameters:
    ///   - configuration: The configuration of the daemon.
    ///   - instance: A random string that changes with each start.
    ///   - models: The models.
    ///   - gateway: The ingest sockets.
    ///   - outlet: The decisions sockets.
    ///   - control: The endpoint of the control socket.
    ///   - access: The guard that counts refused connections.
    init(
        _ configuration: DaemonConfiguration, instance: String, models: [ServedModel], gateway: ClusterGateway,
        outlet: ClusterOutlet, control: String, access: AccessGuard
    ) {
        self.configuration = configuration
        self.instance = instance
        self.models = models
        self.gateway = gateway
        self.outlet = outlet
        self.control = control
        self.access = access
    }

    /// The node's facts, without the counts of streams and timesteps. The partitions' owners know those.
    var current: DaemonStatus {
        let measures = gateway.measures.withLock { $0 }
        return DaemonStatus(
            version: Version.current, uptimeSeconds: started.duration(to: .now) / .seconds(1), endpoints: endpoints,
            codecs: codecs.areAllBinary ? nil : codecs, models: models.map { DaemonStatus.Model($0) }, streams: 0,
            paused: 0, timesteps: 0, decisions: 0, duplicates: 0, gaps: 0,
            dropped: Dictionary(uniqueKeysWithValues: measures.dropped.map { ($0.rawValue, $1) }), checkpoint: nil,
            refusedConnections: access.refusals.byEndpoint,
            subscriberOverflows: outlet.measures.withLock { $0.overflows },
            fileExhaustions: access.refusals.exhaustions, instance: instance, memoryBytes: ResidentMemory.bytes(),
            node: configuration.cluster?.node)
    }

    private var endpoints: DaemonStatus.Endpoints {
        let decisions = zip(outlet.endpoints, configuration.decisions).map { endpoint, decisions in
            DaemonStatus.DecisionEndpoint(
                endpoint: "\(endpoint)", codec: decisions.codec,
                topicPrefix: decisions.codec == .batch ? decisions.topicPrefix : nil)
        }
        return DaemonStatus.Endpoints(
            ingest: gateway.endpoints.map { "\($0)" }, decisions: decisions[0].endpoint, allDecisions: decisions,
            control: control)
    }

    private var codecs: DaemonStatus.Codecs {
        DaemonStatus.Codecs(
            ingest: configuration.ingest.map(\.codec), decisions: configuration.decisions[0].codec)
    }
}
#endif

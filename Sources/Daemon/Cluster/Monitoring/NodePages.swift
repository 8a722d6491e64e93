#if Cluster
import Cluster
import HTTPServer
import NIOCore
import Streams
import Synchronization
import Wire

/// Answers for the pages of a node of a cluster.
final class NodePages: PageSource {
    let reporter = "the coordinator"
    private let facts: NodeFacts
    private let http = Mutex<HTTPEndpoint?>(nil)
    private let hasBegun = Atomic(false)

    init(_ facts: NodeFacts) { self.facts = facts }

    var isLoading: Bool { !hasBegun.load(ordering: .acquiring) }

    /// Records that the node's threads run.
    ///
    /// - Parameter endpoint: The endpoint of the HTTP server.
    func begin(at endpoint: HTTPEndpoint?) {
        http.withLock { $0 = endpoint }
        hasBegun.store(true, ordering: .releasing)
    }

    func metrics(within bound: Duration, on loop: any EventLoop) -> EventLoopFuture<DaemonMetrics?> {
        loop.makeSucceededFuture(facts.metrics(http: http.withLock(\.self)))
    }

    func carryOut(_ request: RawRequest) { facts.edge.carryOut(request) }
}

/// The parts of a node that its metrics come from.
struct NodeFacts: Sendable {
    let node: String
    let models: [ServedModel]
    let coordinator: ClusterCoordinator
    let edge: ClusterEdge
    /// The time of the start in nanoseconds since the Unix epoch.
    let startTime = WallClock.now()

    init(node: String, models: [ServedModel], coordinator: ClusterCoordinator, edge: ClusterEdge) {
        self.node = node
        self.models = models
        self.coordinator = coordinator
        self.edge = edge
    }

    /// Asks the coordinator and the edge for the node's metrics.
    ///
    /// - Parameter http: The endpoint of the HTTP server.
    /// - Returns: The metrics.
    func metrics(http: HTTPEndpoint?) -> DaemonMetrics {
        let report = coordinator.report
        let now = SteadyClock.now()
        let gateway = edge.gatewayMeasures
        let outlet = edge.outletMeasures
        var counts = report.workers.reduce(into: PartitionCounts()) { $0 += $1.counts }
        counts.counters.dropped.merge(gateway.dropped, uniquingKeysWith: +)
        if counts.tallies.isEmpty { counts.tallies = models.map { ModelTally(of: $0) } }
        let presence = report.presence(of: node)
        return DaemonMetrics(
            counters: counts.counters, modelTallies: counts.tallies,
            streamsByLabel: report.streamsByLabel,
            status: status(report, counts.counters, http: http), startTime: startTime,
            isStopping: presence == .leaving || presence == .left, latencies: nil,
            controlRequests: edge.controlRequests, messages: gateway.messages, checkpointTime: nil,
            cluster: ClusterMetrics(
                status: ClusterStatus(of: node, report), presence: presence, isCurrent: report.overview.isCurrent,
                nodes: report.nodesByStanding, workers: report.workers, takeOvers: report.takeOvers,
                coordinatorAge: Double(now - report.turnedAt) / 1e9,
                workerAge: Double(now - (report.workers.map(\.time).min() ?? now)) / 1e9, gateway: gateway,
                outlet: outlet))
    }

    /// The status of this node alone, in the form that every daemon reports.
    private func status(_ report: NodeReport, _ counters: StreamCounters, http: HTTPEndpoint?) -> DaemonStatus {
        let partitions = report.workers.flatMap(\.partitions)
        var status = edge.status
        status.endpoints.http = http.map { "\($0)" }
        status.streams = partitions.reduce(0) { $0 + $1.streams }
        status.timesteps = counters.timesteps
        status.decisions = counters.decisions
        status.duplicates = counters.duplicates
        status.gaps = counters.gaps
        status.dropped = Dictionary(uniqueKeysWithValues: counters.dropped.map { ($0.rawValue, $1) })
        status.quarantined = counters.quarantined
        status.stuck = partitions.reduce(0) { $0 + $1.stuck }
        return status
    }
}

extension NodeReport {
    /// Returns the standing of a node in the cluster.
    fileprivate func presence(of node: String) -> Heartbeat.Presence {
        overview.nodes.first { $0.name == node }?.heartbeat?.presence ?? .joining
    }

    /// For each model, the number of this node's streams by label; nil before the first count.
    fileprivate var streamsByLabel: [[UInt64]]? {
        let counts = workers.reduce(into: [[UInt64]]()) { $0.add(countsByLabel: $1.streamsByLabel) }
        return counts.isEmpty ? nil : counts
    }

    /// The number of nodes by standing, and of dead ones.
    fileprivate var nodesByStanding: [String: Int] {
        overview.nodes.reduce(into: [:]) { nodes, node in
            nodes[node.isDead ? "dead" : node.heartbeat?.presence.rawValue ?? "unreadable", default: 0] += 1
        }
    }
}
#endif

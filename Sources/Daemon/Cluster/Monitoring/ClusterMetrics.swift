import Cluster
import Wire

/// The metrics that only a node of a cluster has.
struct ClusterMetrics: Sendable {
    /// The maximum lag of a partition of a ready node, in seconds.
    static let readyLag = 1.0
    /// The time without a sign of life, in seconds, from which on a thread counts as stuck. A worker reports once a
    /// second, but the copy of a large partition for a checkpoint may take longer.
    static let stuckAge = 10.0

    /// The cluster as the node sees it.
    var status: ClusterStatus
    /// The node's standing in the cluster.
    var presence: Heartbeat.Presence
    /// Whether the node sees the others: its own heartbeats come back.
    var isCurrent: Bool
    /// The number of nodes by their standing, and of dead ones.
    var nodes: [String: Int]
    /// The last measures of each worker.
    var workers: [WorkerMeasures]
    /// The node's claims.
    var takeOvers: TakeOvers
    /// The time since the coordinator's last turn, in seconds.
    var coordinatorAge: Double
    /// The time since the oldest of the workers' reports, in seconds.
    var workerAge: Double
    var gateway: GatewayMeasures
    var outlet: OutletMeasures

    /// The node's partitions, by number.
    var partitions: [PartitionMeasures] {
        workers.flatMap(\.partitions).sorted { $0.partition < $1.partition }
    }

    /// The number of partitions that no live node holds.
    var unownedCount: Int { status.partitions.count { $0.owner == nil } }
}

extension ClusterMetrics {
    /// The reason why the node is not ready; nil if it is. A ready node is a member, and each of its partitions is at most
    /// ``readyLag`` behind its log.
    var unreadiness: String? {
        guard isCurrent else { return "the node's own heartbeats do not come back from NATS" }
        guard presence == .member else { return "the node is not a member of the cluster: it is \(presence.rawValue)" }
        for partition in partitions {
            switch partition.state {
            case .claiming, .restoring: return "partition \(partition.partition) is \(partition.state.rawValue)"
            case .serving, .draining: break
            }
            if partition.lagSeconds > Self.readyLag {
                return "partition \(partition.partition) is \(partition.lag) messages behind its log"
            }
        }
        return nil
    }

    /// The thread that does not go on, in a sentence; nil if all do.
    var stuckThread: String? {
        if coordinatorAge > Self.stuckAge { return "the coordinator is stuck for \(Int(coordinatorAge)) s" }
        if workerAge > Self.stuckAge { return "a worker has not reported for \(Int(workerAge)) s" }
        return nil
    }
}

#if Cluster
import Cluster
import Wire

/// A node's report on the cluster and on itself, made when somebody asks.
struct NodeReport: Sendable {
    /// The time of the coordinator's last turn, by the ``SteadyClock``.
    let turnedAt: Int64
    /// The cluster as the node sees it.
    let overview: ClusterOverview
    /// The last measures of each worker.
    let workers: [WorkerMeasures]
    /// The node's claims.
    let takeOvers: TakeOvers
}

extension ClusterStatus {
    /// Creates the answer to `cluster` from a node's report.
    init(of node: String, _ report: NodeReport) {
        let nodes = report.overview.nodes.compactMap { member -> Node? in
            guard let heartbeat = member.liveHeartbeat else { return nil }
            return Node(
                name: member.name, presence: heartbeat.presence.rawValue, partitions: heartbeat.partitions.count,
                control: heartbeat.addresses.control, http: heartbeat.addresses.http, version: heartbeat.program)
        }
        let own = report.workers.flatMap(\.partitions)
        let measures = Dictionary(own.map { ($0.partition, $0) }) { first, _ in first }
        let heartbeats = Dictionary(
            uniqueKeysWithValues: report.overview.nodes.map { ($0.name, $0.liveHeartbeat) })
        let partitions = report.overview.partitions.enumerated().map { number, partition in
            let owner = partition.owner
            let lag = owner.map { heartbeats[$0.node]??.lags[number] ?? 0 }
            return Partition(
                partition: number, owner: owner?.node, state: owner?.state.rawValue, streams: measures[number]?.streams,
                lag: measures[number]?.lag ?? lag, lagSeconds: measures[number]?.lagSeconds)
        }
        self.init(
            node: node, nodes: nodes, partitions: partitions, takeOvers: Self.takeOvers(report.takeOvers, of: own))
    }

    /// Returns a node's last claims. The last one of each partition has the durations, if the node still holds it.
    private static func takeOvers(_ takeOvers: TakeOvers, of partitions: [PartitionMeasures]) -> [TakeOver] {
        var parts = Dictionary(partitions.map { ($0.partition, $0.takeOver) }) { first, _ in first }
        return takeOvers.last.map { entry in
            let parts = parts.removeValue(forKey: entry.partition)
            return TakeOver(
                time: Double(entry.time) / 1e9, partition: entry.partition, reason: entry.cause.description,
                claim: parts?.claim, restore: parts?.restore, replay: parts?.replay)
        }
    }
}

extension ClusterOverview.Partition {
    /// The node that holds the partition. While the partition moves, the node that serves it comes first.
    fileprivate var owner: (node: String, state: Heartbeat.PartitionState)? {
        let owner = holders.min { ($0.value == .serving ? 0 : 1, $0.key) < ($1.value == .serving ? 0 : 1, $1.key) }
        return owner.map { ($0.key, $0.value) }
    }
}
#endif

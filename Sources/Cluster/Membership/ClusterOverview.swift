/// The cluster as one node sees it, for `sluice cluster` and the metrics.
package struct ClusterOverview: Equatable, Sendable {
    /// A node that has ever written a heartbeat.
    package struct Node: Equatable, Sendable {
        /// The node's name.
        package let name: String
        /// Whether the node is dead: its heartbeat stands still although it has not left.
        package let isDead: Bool
        /// Whether partitions are placed on the node.
        package let counts: Bool
        /// The node's last heartbeat; nil if none could be read.
        package let heartbeat: Heartbeat?
        /// The reason why the node's current heartbeat cannot be read.
        package let problem: HeartbeatError?
        /// The time since the heartbeat last changed, in nanoseconds.
        package let age: Int64

        /// The heartbeat of a node that is alive and has not left; nil for any other node.
        package var liveHeartbeat: Heartbeat? {
            isDead || problem != nil || heartbeat?.presence == .left ? nil : heartbeat
        }
    }

    /// A partition.
    package struct Partition: Equatable, Sendable {
        /// The live nodes that hold the partition, with their states: one, unless the partition is moving.
        package let holders: [String: Heartbeat.PartitionState]
        /// The node that the partition belongs to; nil if no node can serve it.
        package let target: String?
        /// The nodes that cannot serve the partition, with the reasons.
        package let refusals: [String: String]
    }

    /// The nodes, sorted by name.
    package let nodes: [Node]
    /// The partitions, by number.
    package let partitions: [Partition]
    /// Whether this node sees the others: its own heartbeats come back.
    package let isCurrent: Bool

    /// The nodes that hold each partition.
    package var owners: [Int: [String]] {
        partitions.enumerated().reduce(into: [:]) { owners, partition in
            if !partition.element.holders.isEmpty { owners[partition.offset] = partition.element.holders.keys.sorted() }
        }
    }
}

extension Membership {
    /// Returns the cluster as this node sees it.
    package func overview(at now: Int64) -> ClusterOverview {
        let counted = counted
        var nodes = members.values.map { member in
            ClusterOverview.Node(
                name: member.name, isDead: member.isDead, counts: counted.contains(member.name),
                heartbeat: member.heartbeat, problem: member.problem, age: now - member.changedAt)
        }
        nodes.append(
            .init(
                name: node, isDead: false, counts: counted.contains(node), heartbeat: heartbeat, problem: nil, age: 0))
        nodes.sort { $0.name < $1.name }
        let partitions = holders.enumerated().map { partition, holders in
            ClusterOverview.Partition(
                holders: Dictionary(holders.map { ($0.node, $0.state) }) { first, _ in first },
                target: placement.nodes[partition],
                refusals: nodes.reduce(into: [:]) { $0[$1.name] = $1.heartbeat?.refusals[partition] })
        }
        return ClusterOverview(nodes: nodes, partitions: partitions, isCurrent: seesSince != nil)
    }
}

/// A node's facts about itself, which it writes to the KV store every 0.4 s and at once when they change.
package struct Heartbeat: Equatable, Sendable {
    /// The node's standing in the cluster, by its own account.
    package enum Presence: String, CaseIterable, Sendable {
        /// The node has not run for long enough to own partitions.
        case joining
        /// The node counts for placement.
        case member
        /// The node drains its partitions and claims none.
        case leaving
        /// The node has stopped in an orderly way.
        case left
    }

    /// The state of a partition that a node holds.
    package enum PartitionState: String, CaseIterable, Sendable {
        /// The node writes its claim to the chain.
        case claiming
        /// The node reads the checkpoint and replays the log.
        case restoring
        /// The node publishes decisions.
        case serving
        /// The node finishes its work on the partition, so that another node can claim it.
        case draining
    }

    /// The number drawn when the node's process started. It tells a restart from a node that was slow.
    package var incarnation: UInt64
    /// The number of heartbeats that this incarnation has written.
    package var beat: UInt64
    /// The node's standing.
    package var presence: Presence
    /// The number of restarts in quick succession up to this incarnation.
    package var restarts: Int
    /// The nodes that this node counts although they do not say so themselves yet. Only the first nodes of a cluster
    /// have any: they begin to count together.
    package var founders: [String]
    /// The partitions that the node holds, with their states.
    package var partitions: [Int: PartitionState]
    /// The partitions that the node cannot serve, with the reasons.
    package var refusals: [Int: String]
    /// The partitions that the node follows as a warm standby, in ascending order.
    package var standbys: [Int]
    /// The last sequence numbers of the logs whose decisions are in the chains, by partition, for warm standbys. A
    /// heartbeat does not become due because they change.
    package var through: [Int: UInt64]
    /// The numbers of messages in the logs that are not applied yet, for partitions that have any. A heartbeat does not
    /// become due because they change.
    package var lags: [Int: UInt64]
    /// The addresses at which people and tools reach the node.
    package var addresses: Addresses
    /// The version of the node's program.
    package var program: String

    /// Creates a heartbeat. Each parameter sets the property of the same name.
    package init(
        incarnation: UInt64, beat: UInt64 = 0, presence: Presence = .joining, restarts: Int = 0,
        founders: [String] = [], partitions: [Int: PartitionState] = [:], refusals: [Int: String] = [:],
        standbys: [Int] = [], through: [Int: UInt64] = [:], lags: [Int: UInt64] = [:],
        addresses: Addresses = .init(), program: String
    ) {
        self.incarnation = incarnation
        self.beat = beat
        self.presence = presence
        self.restarts = restarts
        self.founders = founders
        self.partitions = partitions
        self.refusals = refusals
        self.standbys = standbys
        self.through = through
        self.lags = lags
        self.addresses = addresses
        self.program = program
    }

    /// The addresses of a node.
    package struct Addresses: Equatable, Sendable {
        /// The endpoint of the control socket; nil if there is none.
        package var control: String?
        /// The URL of the HTTP server; nil if there is none.
        package var http: String?

        /// Creates addresses. Each parameter sets the property of the same name.
        package init(control: String? = nil, http: String? = nil) {
            self.control = control
            self.http = http
        }
    }
}

/// The reason why a node's heartbeat cannot be read.
package struct HeartbeatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The node.
    package let node: String
    /// The problem and its remedy.
    package let problem: String

    /// The problem with the node's name.
    package var description: String { "node \(node): \(problem)" }
}

/// The answer to `cluster`: the cluster as one of its nodes sees it.
public struct ClusterStatus: Codable, Equatable, Sendable {
    /// A live node.
    public struct Node: Codable, Equatable, Sendable {
        /// The name.
        public var name: String
        /// The standing: `joining`, `member`, `leaving` or `left`.
        public var presence: String
        /// The number of partitions that the node holds.
        public var partitions: Int
        /// The endpoint of the control socket; nil if there is none.
        public var control: String?
        /// The URL of the HTTP server; nil if there is none.
        public var http: String?
        /// The version of the node's program.
        public var version: String

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(
            name: String, presence: String, partitions: Int, control: String?, http: String? = nil, version: String
        ) {
            self.http = http
            self.name = name
            self.presence = presence
            self.partitions = partitions
            self.control = control
            self.version = version
        }
    }

    /// A partition.
    public struct Partition: Codable, Equatable, Sendable {
        /// The number, from 0.
        public var partition: Int
        /// The node that holds the partition; nil if no live node does.
        public var owner: String?
        /// The owner's state: `claiming`, `restoring`, `serving` or `draining`; nil without an owner.
        public var state: String?
        /// The number of streams; nil unless the answering node is the owner.
        public var streams: Int?
        /// The number of messages of the log that are not applied yet, up to a second old unless the answering node is the
        /// owner; nil without an owner.
        public var lag: UInt64?
        /// The age of the oldest message of the log that is not applied yet, at most, in seconds; nil unless the answering
        /// node is the owner.
        public var lagSeconds: Double?

        private enum CodingKeys: String, CodingKey {
            case partition, owner, state, streams, lag
            case lagSeconds = "lag_s"
        }

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(
            partition: Int, owner: String?, state: String?, streams: Int?, lag: UInt64?, lagSeconds: Double? = nil
        ) {
            self.lagSeconds = lagSeconds
            self.partition = partition
            self.owner = owner
            self.state = state
            self.streams = streams
            self.lag = lag
        }
    }

    /// A claim of a partition by the answering node.
    public struct TakeOver: Codable, Equatable, Sendable {
        /// The time of the claim, in seconds since the Unix epoch.
        public var time: Double
        /// The partition.
        public var partition: Int
        /// The reason for the claim, in words.
        public var reason: String
        /// The time to write the claim to the chain, in seconds; nil if it is not over, or if the node no longer holds the
        /// partition.
        public var claim: Double?
        /// The time to read the checkpoint, in seconds; nil as for ``claim``.
        public var restore: Double?
        /// The time to replay the log, in seconds; nil as for ``claim``.
        public var replay: Double?

        private enum CodingKeys: String, CodingKey {
            case time, partition, reason
            case claim = "claim_s"
            case restore = "restore_s"
            case replay = "replay_s"
        }

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(
            time: Double, partition: Int, reason: String, claim: Double? = nil, restore: Double? = nil,
            replay: Double? = nil
        ) {
            self.time = time
            self.partition = partition
            self.reason = reason
            self.claim = claim
            self.restore = restore
            self.replay = replay
        }
    }

    /// The answering node.
    public var node: String
    /// The live nodes, by name.
    public var nodes: [Node]
    /// The partitions in order.
    public var partitions: [Partition]
    /// The last claims of the answering node, newest first.
    public var takeOvers: [TakeOver]

    private enum CodingKeys: String, CodingKey {
        case node, nodes, partitions
        case takeOvers = "take_overs"
    }

    /// Creates an answer. Each parameter sets the property of the same name.
    public init(node: String, nodes: [Node], partitions: [Partition], takeOvers: [TakeOver]) {
        self.node = node
        self.nodes = nodes
        self.partitions = partitions
        self.takeOvers = takeOvers
    }
}

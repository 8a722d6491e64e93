public import Store
public import Streams
public import Wire
public import ZeroMQ

/// All options of the daemon, as set by flags, a file or a caller. The documentation page `Configuration` lists the
/// options and their defaults.
public struct DaemonConfiguration: Equatable, Sendable {
    /// The daemon's response if, at the start, the stored state is damaged, incomplete, or partly older than the rest.
    public enum OnDamagedState: String, CaseIterable, Sendable {
        /// The daemon does not start and changes nothing.
        case refuse
        /// The daemon moves damaged files to a separate folder and continues with the rest.
        case setAside = "set-aside"
    }

    /// The amount of state that a crash may lose.
    public enum Durability: String, CaseIterable, Sendable {
        /// All state, because it is only in memory.
        case memory
        /// The changes since the last checkpoint.
        case checkpoint
        /// Nothing, because each timestep is in the journal before the decision on it is published.
        case journal
    }

    /// One model to serve.
    public struct Model: Equatable, Sendable {
        /// The name that `status` shows.
        public var name: String
        /// The path of the model file.
        public var file: String
        /// The serving policy, except for its mode, published decisions and threshold. These three may depend on the
        /// model's file, so they are given separately.
        public var policy: ServingPolicy
        /// The requested mode; nil for the mode that the model's file implies.
        public var mode: ServingPolicy.Mode?
        /// The requested selection of decisions to publish; nil for the mode's default.
        public var emit: ServingPolicy.Emit?
        /// The requested threshold; nil for the default, which is 0.5 for a probability and 0 for any other output.
        public var threshold: ServingPolicy.Threshold?

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - name: The name that `status` shows.
        ///   - file: The path of the model file.
        ///   - policy: The serving policy, except for `mode`, `emit` and `threshold`.
        ///   - mode: The requested mode; nil for the mode that the model's file implies.
        ///   - emit: The requested selection of decisions to publish; nil for the mode's default.
        ///   - threshold: The requested threshold; nil for the default.
        public init(
            name: String, file: String, policy: ServingPolicy, mode: ServingPolicy.Mode? = nil,
            emit: ServingPolicy.Emit? = nil, threshold: ServingPolicy.Threshold? = nil
        ) {
            self.name = name
            self.file = file
            self.policy = policy
            self.mode = mode
            self.emit = emit
            self.threshold = threshold
        }
    }

    /// An endpoint that receives timesteps, and the format of its messages.
    public struct Ingest: Equatable, Sendable {
        /// The endpoint and the type of its socket.
        public var endpoint: IngestEndpoint
        /// The format of the messages.
        public var codec: IngestCodec
        /// The public key of the server, if the endpoint connects and the server uses CURVE.
        public var serverKey: CurvePublicKey?

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - endpoint: The endpoint and the type of its socket.
        ///   - codec: The format of the messages.
        ///   - serverKey: The public key of the server, if the endpoint connects and the server uses CURVE.
        public init(_ endpoint: IngestEndpoint, codec: IngestCodec = .binary, serverKey: CurvePublicKey? = nil) {
            self.endpoint = endpoint
            self.codec = codec
            self.serverKey = serverKey
        }
    }

    /// An endpoint that publishes decisions, and the format of its messages.
    public struct Decisions: Equatable, Sendable {
        /// The endpoint.
        public var endpoint: Endpoint
        /// The format of the messages.
        public var codec: DecisionCodec
        /// In the codec `batch`, the prefix of the topics, which end with the name of a model; see
        /// ``isTopicPrefix(_:)``.
        public var topicPrefix: String

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - endpoint: The endpoint.
        ///   - codec: The format of the messages.
        ///   - topicPrefix: In the codec `batch`, the prefix of the topics.
        public init(
            _ endpoint: Endpoint, codec: DecisionCodec = .binary, topicPrefix: String = DecisionBatch.topicPrefix
        ) {
            self.endpoint = endpoint
            self.codec = codec
            self.topicPrefix = topicPrefix
        }
    }

    /// The endpoints that receive timesteps; at least one.
    public var ingest = [Ingest(IngestEndpoint(.sub, Endpoint(.bind, "tcp://127.0.0.1:5550")))]
    /// The endpoints that publish decisions; at least one.
    public var decisions = [Decisions(Endpoint(.bind, "tcp://127.0.0.1:5551"))]
    /// Whether the daemon sends a new subscriber the last values of the streams that match its subscription.
    public var lastValue = false
    /// The endpoint that receives control requests.
    public var control = Endpoint(.bind, "tcp://127.0.0.1:5552")
    /// The maximum number of messages queued for each producer and each subscriber; see ``isHighWaterMark(_:)``.
    public var highWaterMark = 100_000
    /// The endpoint and the hosts of the HTTP server, which serves metrics and health.
    public var http = HTTPConfiguration()
    /// The format of the log.
    public var logFormat = LogFormat.text
    /// The lowest level that is logged. The control method `log_level` can change the level while the daemon runs.
    public var logLevel = LogLevel.info
    /// The access rules for clients.
    public var access = AccessConfiguration()
    /// The folder in which the state is stored; nil if all state is only in memory.
    public var stateFolder: String?
    /// The amount of state that a crash may lose.
    public var durability = Durability.checkpoint
    /// The time between two checkpoints, in seconds; see ``isInterval(_:)``.
    public var checkpointInterval = 5.0
    /// The idle time, in seconds, after which a stream hibernates; nil for never. This option requires a
    /// ``durableFolder``.
    public var idleAfter: Double?
    /// The idle time, in seconds, after which a stream is removed; nil for never.
    public var forgetAfter: Double?
    /// The number of streams at which the daemon refuses new ones; nil for no limit.
    public var maximumStreams: Int?
    /// The number of decisions in the history of each stream; see ``historySizes``.
    public var historyPoints = 120
    /// The maximum size of all histories, in bytes; see ``historyByteCounts``.
    public var historyBytes = 64 << 20
    /// The daemon's response if, at the start, stored state belongs to other weights.
    public var onOtherWeights = StreamTable.OtherWeights.refuse
    /// The daemon's response if, at the start, the state folder is damaged.
    public var onDamagedState = OnDamagedState.refuse
    /// The total size of the journal's records, in megabytes, at which a checkpoint starts early; see
    /// ``isJournalSize(_:)``.
    public var journalMegabytes = 256
    /// Whether each commit of the journal waits for the disk.
    public var journalSync = Journal.Sync.full
    /// The number of threads that step streams.
    public var workers = 1
    /// The number of libzmq threads that transfer bytes between the sockets and the network.
    public var ioThreads = 1
    /// The options of a node of a cluster; nil for a daemon on one machine.
    public var cluster: ClusterConfiguration?
    /// The models to serve; at least one.
    public var models: [Model] = []

    /// Creates a configuration with the default values. It has no models yet.
    public init() {}

    /// The maximum number of threads for ``workers`` and for ``ioThreads``.
    public static let maximumThreads = 256

    /// Whether `count` is a permitted number of threads, from 1 to ``maximumThreads``.
    public static func isThreadCount(_ count: Int) -> Bool { (1...maximumThreads).contains(count) }

    /// The permitted values of ``historyPoints``. With 0, no history is kept.
    public static let historySizes = 0...StreamTable.maximumHistoryPoints
    /// The permitted values of ``historyBytes``. The lower bound is large enough for the longest history of one stream.
    public static let historyByteCounts = (1 << 17)...(1 << 40)

    /// Returns whether an interval is permitted: more than 0 seconds, and at most a year.
    ///
    /// - Parameter seconds: The interval in seconds.
    /// - Returns: False if the interval is out of range or NaN.
    public static func isInterval(_ seconds: Double) -> Bool {
        seconds > 0 && seconds <= 31_536_000
    }

    /// Returns whether a high-water mark is permitted: at least 1, and at most a hundred million.
    ///
    /// - Parameter messages: The number of messages that may wait for each peer.
    /// - Returns: False if the number is out of range.
    public static func isHighWaterMark(_ messages: Int) -> Bool {
        (1...100_000_000).contains(messages)
    }

    /// The high-water mark of a decisions endpoint. The mark is lower for the codec `batch`, because a message in this
    /// codec usually has hundreds of decisions.
    func highWaterMark(for codec: DecisionCodec) -> Int {
        codec == .batch ? max(1, highWaterMark / 100) : highWaterMark
    }

    /// Returns whether a string can be the prefix of topics in the codec `batch`. A prefix has at most 254 bytes and no
    /// control characters. Topics that begin with `!sluice/` belong to the daemon, except for
    /// ``DecisionBatch/topicPrefix``.
    public static func isTopicPrefix(_ text: String) -> Bool {
        guard !text.hasPrefix(StreamID.ownTopics) || text.hasPrefix(DecisionBatch.topicPrefix) else { return false }
        return StreamID.isValid("_\(text)")
    }

    /// A description of the rule that ``isTopicPrefix(_:)`` checks, for errors.
    public static let topicPrefixNotation =
        "at most 254 bytes without control characters, and must not begin with \(StreamID.ownTopics), except for "
        + DecisionBatch.topicPrefix

    /// Whether the daemon writes checkpoints.
    public var keepsState: Bool { durableFolder != nil }

    /// Throws if an option needs a state folder but none is configured.
    ///
    /// - Parameter code: The exit status of the error: `usage` for flags, `configuration` for a file.
    /// - Throws: ``DaemonError``, which names the option.
    public func checkStateFolder(_ code: DaemonError.Code) throws(DaemonError) {
        // A node of a cluster has no state folder, and refuses these options itself.
        guard cluster == nil else { return }
        guard durability != .journal || stateFolder != nil else {
            throw DaemonError(code, "a journal needs a state folder: give --state-dir DIR with --durability journal")
        }
        guard idleAfter == nil || keepsState else {
            throw DaemonError(
                code, "--idle-after needs a state folder for the state of idle streams: give --state-dir DIR")
        }
    }

    /// Returns whether a size of the journal is permitted: at least a megabyte, and at most a terabyte.
    ///
    /// - Parameter megabytes: The size of the journal's records, in megabytes, at which a checkpoint starts early.
    /// - Returns: False if the size is out of range.
    public static func isJournalSize(_ megabytes: Int) -> Bool {
        (1...1_000_000).contains(megabytes)
    }

    /// The size of the journal's records, in bytes, at which a checkpoint starts early.
    var journalSize: Int { journalMegabytes * 1_000_000 }

    /// The folder in which checkpoints are stored; nil if all state is only in memory.
    var durableFolder: String? { durability == .memory ? nil : stateFolder }
}

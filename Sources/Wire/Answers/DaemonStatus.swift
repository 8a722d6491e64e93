/// The answer to `status`: the status of the daemon as a whole.
public struct DaemonStatus: Codable, Equatable, Sendable {
    /// The endpoints of the daemon's sockets, in the same form as on the command line. A `*` is replaced by the actual
    /// port.
    public struct Endpoints: Codable, Equatable, Sendable {
        /// The endpoints that receive timesteps.
        public var ingest: [String]
        /// The first endpoint that publishes decisions.
        public var decisions: String
        /// All endpoints that publish decisions; nil if the daemon is too old to report them.
        public var allDecisions: [DecisionEndpoint]?
        /// The endpoint that receives control requests.
        public var control: String
        /// The address of the HTTP server; nil if there is none.
        public var http: String?

        private enum CodingKeys: String, CodingKey {
            case ingest, decisions, control, http
            case allDecisions = "all_decisions"
        }

        /// Creates the endpoints. Each parameter sets the property of the same name.
        public init(
            ingest: [String], decisions: String, allDecisions: [DecisionEndpoint]? = nil, control: String,
            http: String? = nil
        ) {
            self.allDecisions = allDecisions
            self.ingest = ingest
            self.decisions = decisions
            self.control = control
            self.http = http
        }
    }

    /// An endpoint that publishes decisions.
    public struct DecisionEndpoint: Codable, Equatable, Sendable {
        /// The endpoint.
        public var endpoint: String
        /// The encoding of the messages.
        public var codec: DecisionCodec
        /// The prefix of the topics, which end with the name of a model; nil except in the codec `batch`.
        public var topicPrefix: String?

        private enum CodingKeys: String, CodingKey {
            case endpoint, codec
            case topicPrefix = "topic_prefix"
        }

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(endpoint: String, codec: DecisionCodec, topicPrefix: String? = nil) {
            self.endpoint = endpoint
            self.codec = codec
            self.topicPrefix = topicPrefix
        }
    }

    /// The message encodings that the endpoints use.
    public struct Codecs: Codable, Equatable, Sendable {
        /// The codecs, in the order of ``Endpoints/ingest``.
        public var ingest: [IngestCodec]
        /// The codec of the first decisions endpoint.
        public var decisions: DecisionCodec

        /// Creates the codecs. Each parameter sets the property of the same name.
        public init(ingest: [IngestCodec], decisions: DecisionCodec) {
            self.ingest = ingest
            self.decisions = decisions
        }

        /// Whether every endpoint uses the binary codec, which all clients know.
        public var areAllBinary: Bool { decisions == .binary && ingest.allSatisfy { $0 == .binary } }
    }

    /// One served model.
    public struct Model: Codable, Equatable, Sendable {
        /// The model's name in the configuration.
        public var name: String
        /// The model's file.
        public var file: String
        /// The SHA-256 of the architecture and weights, as 64 hexadecimal digits.
        public var fingerprint: String
        /// The mode in which the model is served.
        public var mode: String
        /// The decisions that are published: `every`, `last`, `change` or `final`; nil if the daemon is too old to
        /// report them.
        public var emit: String?
        /// The output values at which the label of a model with one output changes; nil if the daemon does not report
        /// them.
        public var threshold: Threshold?
        /// The number of floats in one timestep; 1 for a token.
        public var features: Int
        /// The vocabulary size of a model that takes tokens; nil for other models. A token is at least 0 and less than
        /// this size.
        public var tokens: Int?
        /// The number of probabilities in one decision.
        public var outputs: Int
        /// The number of weights.
        public var parameters: Int
        /// The prefixes of the stream ids that are routed to the model.
        public var prefixes: [String]

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(
            name: String, file: String, fingerprint: String, mode: String, features: Int, outputs: Int,
            parameters: Int, prefixes: [String], tokens: Int? = nil, emit: String? = nil,
            threshold: Threshold? = nil
        ) {
            self.threshold = threshold
            self.emit = emit
            self.name = name
            self.file = file
            self.fingerprint = fingerprint
            self.mode = mode
            self.features = features
            self.outputs = outputs
            self.parameters = parameters
            self.prefixes = prefixes
            self.tokens = tokens
        }
    }

    /// The output values at which the label of a model with one output changes.
    public struct Threshold: Codable, Equatable, Sendable {
        /// The label becomes 1 at or above this output.
        public var rise: Float
        /// The label returns to 0 below this output.
        public var fall: Float

        /// Creates a threshold. Each parameter sets the property of the same name.
        public init(rise: Float, fall: Float) {
            self.rise = rise
            self.fall = fall
        }
    }

    /// The last checkpoint.
    public struct Checkpoint: Codable, Equatable, Sendable {
        /// The time at which the checkpoint became durable, in nanoseconds since the Unix epoch.
        public var time: Int64
        /// The number of streams written.
        public var streams: Int
        /// The time from copying the state until the copy was durable, in milliseconds.
        public var durationMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case time, streams
            case durationMilliseconds = "duration_ms"
        }

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(time: Int64, streams: Int, durationMilliseconds: Double) {
            self.time = time
            self.streams = streams
            self.durationMilliseconds = durationMilliseconds
        }
    }

    /// The state of the journal.
    public struct Journal: Codable, Equatable, Sendable {
        /// The size of the records written since the last checkpoint, in bytes.
        public var bytes: Int
        /// Whether a write failed. If so, some decided timesteps are missing from the journal.
        public var hasFailed: Bool
        /// The reason for the failure; nil if no write has failed.
        public var error: String?

        private enum CodingKeys: String, CodingKey {
            case bytes
            case hasFailed = "failed"
            case error
        }

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(bytes: Int, hasFailed: Bool, error: String? = nil) {
            self.bytes = bytes
            self.hasFailed = hasFailed
            self.error = error
        }
    }

    /// A random string that changes with each start of the daemon. Clients use it to detect a restart. Nil if the
    /// daemon is too old to report it.
    public var instance: String?
    /// The daemon's version.
    public var version: String
    /// The time since the daemon became ready, in seconds.
    public var uptimeSeconds: Double
    /// The endpoints of the daemon's sockets.
    public var endpoints: Endpoints
    /// The codecs at the endpoints; nil if all are binary.
    public var codecs: Codecs?
    /// The served models.
    public var models: [Model]
    /// The number of streams.
    public var streams: Int
    /// The number of paused streams.
    public var paused: Int
    /// The number of timesteps consumed since the start.
    public var timesteps: UInt64
    /// The number of decisions published since the start.
    public var decisions: UInt64
    /// The number of timesteps skipped because they had already been consumed.
    public var duplicates: UInt64
    /// The number of gaps in the streams' sequence numbers.
    public var gaps: UInt64
    /// The number of times that a stream's state became NaN or infinite and was reset.
    public var quarantined: UInt64
    /// The number of hibernating streams: their state is in the store and not in memory.
    public var asleep: Int
    /// The number of dropped messages or timesteps for each ``DropCause``.
    public var dropped: [String: UInt64]
    /// The number of refused connections for each endpoint: `ingest`, `decisions`, `control`.
    public var refusedConnections: [String: UInt64]
    /// The number of times that a subscriber's queue became full, so that the subscriber missed decisions.
    public var subscriberOverflows: UInt64
    /// The number of stuck streams, whose timesteps are all skipped as duplicates; nil if the daemon is too old to
    /// report it.
    public var stuck: Int?
    /// The number of times that the process reached its limit on open files; nil if the daemon is too old to report it.
    public var fileExhaustions: UInt64?
    /// The last checkpoint; nil before the first, or without a state folder.
    public var checkpoint: Checkpoint?
    /// The reason why the last checkpoint failed; nil if it succeeded.
    public var checkpointError: String?
    /// The problem with the state folder if the folder is gone or was replaced; otherwise nil.
    public var stateFolderError: String?
    /// The journal; nil if the daemon keeps none.
    public var journal: Journal?
    /// The resident memory of the daemon in bytes; nil if unknown.
    public var memoryBytes: Int?
    /// The state folder; nil if all state is in memory.
    public var stateFolder: String?
    /// The number of dictionaries that the codec `batch` may refer to; nil if no ingest endpoint has this codec.
    public var dictionaries: Int?
    /// The name of the node of a cluster, whose state is in NATS; nil for a daemon on one machine.
    public var node: String?

    private enum CodingKeys: String, CodingKey {
        case version, instance
        case uptimeSeconds = "uptime_s"
        case endpoints, codecs, models, streams, paused, timesteps, decisions, duplicates, gaps, dropped, checkpoint
        case quarantined, asleep
        case stuck
        case fileExhaustions = "file_exhaustions"
        case refusedConnections = "refused_connections"
        case subscriberOverflows = "subscriber_overflows"
        case checkpointError = "checkpoint_error"
        case stateFolderError = "state_folder_error"
        case journal
        case memoryBytes = "memory_bytes"
        case stateFolder = "state_folder"
        case dictionaries, node
    }

    /// Creates a status. Each parameter sets the property of the same name.
    public init(
        version: String, uptimeSeconds: Double, endpoints: Endpoints, codecs: Codecs? = nil, models: [Model],
        streams: Int, paused: Int, timesteps: UInt64, decisions: UInt64, duplicates: UInt64, gaps: UInt64,
        dropped: [String: UInt64], checkpoint: Checkpoint?, checkpointError: String? = nil,
        stateFolderError: String? = nil,
        journal: Journal? = nil,
        quarantined: UInt64 = 0, asleep: Int = 0, refusedConnections: [String: UInt64] = [:],
        subscriberOverflows: UInt64 = 0, stuck: Int? = nil, fileExhaustions: UInt64? = nil, instance: String? = nil,
        memoryBytes: Int? = nil, stateFolder: String? = nil, dictionaries: Int? = nil, node: String? = nil
    ) {
        self.node = node
        self.dictionaries = dictionaries
        self.memoryBytes = memoryBytes
        self.stateFolder = stateFolder
        self.instance = instance
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.endpoints = endpoints
        self.codecs = codecs
        self.models = models
        self.streams = streams
        self.paused = paused
        self.timesteps = timesteps
        self.decisions = decisions
        self.duplicates = duplicates
        self.gaps = gaps
        self.dropped = dropped
        self.checkpoint = checkpoint
        self.quarantined = quarantined
        self.asleep = asleep
        self.refusedConnections = refusedConnections
        self.subscriberOverflows = subscriberOverflows
        self.stuck = stuck
        self.fileExhaustions = fileExhaustions
        self.checkpointError = checkpointError
        self.stateFolderError = stateFolderError
        self.journal = journal
    }

    /// Writes the status. `checkpoint` is always present; it is null before the first checkpoint. Other nil members are
    /// left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encodeIfPresent(instance, forKey: .instance)
        try container.encode(uptimeSeconds, forKey: .uptimeSeconds)
        try container.encode(endpoints, forKey: .endpoints)
        try container.encodeIfPresent(codecs, forKey: .codecs)
        try container.encode(models, forKey: .models)
        try container.encode(streams, forKey: .streams)
        try container.encode(paused, forKey: .paused)
        try container.encode(timesteps, forKey: .timesteps)
        try container.encode(decisions, forKey: .decisions)
        try container.encode(duplicates, forKey: .duplicates)
        try container.encode(gaps, forKey: .gaps)
        try container.encode(quarantined, forKey: .quarantined)
        try container.encode(asleep, forKey: .asleep)
        try container.encode(dropped, forKey: .dropped)
        try container.encode(refusedConnections, forKey: .refusedConnections)
        try container.encode(subscriberOverflows, forKey: .subscriberOverflows)
        try container.encodeIfPresent(stuck, forKey: .stuck)
        try container.encodeIfPresent(fileExhaustions, forKey: .fileExhaustions)
        try container.encode(checkpoint, forKey: .checkpoint)
        try container.encodeIfPresent(checkpointError, forKey: .checkpointError)
        try container.encodeIfPresent(stateFolderError, forKey: .stateFolderError)
        try container.encodeIfPresent(journal, forKey: .journal)
        try container.encodeIfPresent(memoryBytes, forKey: .memoryBytes)
        try container.encodeIfPresent(stateFolder, forKey: .stateFolder)
        try container.encodeIfPresent(dictionaries, forKey: .dictionaries)
        try container.encodeIfPresent(node, forKey: .node)
    }
}

/// What `status` answers: the daemon as a whole.
public struct DaemonStatus: Codable, Equatable, Sendable {
    /// Where the daemon's sockets are, with ports `*` resolved, in the notation of its command line.
    public struct Endpoints: Codable, Equatable, Sendable {
        /// Where timesteps come in.
        public var ingest: [String]
        /// Where decisions go out.
        public var decisions: String
        /// Where requests are taken.
        public var control: String
        /// Where HTTP is answered; left out where it is not.
        public var http: String?

        /// Creates the list; each parameter is the property of its name.
        public init(ingest: [String], decisions: String, control: String, http: String? = nil) {
            self.ingest = ingest
            self.decisions = decisions
            self.control = control
            self.http = http
        }
    }

    /// How messages are written at the endpoints.
    public struct Codecs: Codable, Equatable, Sendable {
        /// In the order of ``Endpoints/ingest``.
        public var ingest: [IngestCodec]
        /// That of the decisions.
        public var decisions: DecisionCodec

        /// Creates the list.
        ///
        /// - Parameters:
        ///   - ingest: In the order of ``Endpoints/ingest``.
        ///   - decisions: That of the decisions.
        public init(ingest: [IngestCodec], decisions: DecisionCodec) {
            self.ingest = ingest
            self.decisions = decisions
        }

        /// Whether every endpoint has the codec that all clients know.
        public var areAllBinary: Bool { decisions == .binary && ingest.allSatisfy { $0 == .binary } }
    }

    /// One served model.
    public struct Model: Codable, Equatable, Sendable {
        /// Its name in the configuration.
        public var name: String
        /// The file it was read from.
        public var file: String
        /// SHA-256 over architecture and weights, 64 hexadecimal digits.
        public var fingerprint: String
        /// How sequences are decided.
        public var mode: String
        /// Which decisions are published: `every`, `last`, `change` or `final`; nil from a daemon of an earlier version.
        public var emit: String?
        /// Floats in one timestep; 1 for a token.
        public var features: Int
        /// The vocabulary of a model that takes tokens: each is a number from 0 and below this. Left out for others.
        public var tokens: Int?
        /// Probabilities in one decision.
        public var outputs: Int
        /// How many weights it has.
        public var parameters: Int
        /// The stream id prefixes it takes.
        public var prefixes: [String]

        /// Creates an entry; each parameter is the property of its name.
        public init(
            name: String, file: String, fingerprint: String, mode: String, features: Int, outputs: Int,
            parameters: Int, prefixes: [String], tokens: Int? = nil, emit: String? = nil
        ) {
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

    /// The last checkpoint.
    public struct Checkpoint: Codable, Equatable, Sendable {
        /// Nanoseconds since the Unix epoch when it was durable.
        public var time: Int64
        /// Streams that it wrote.
        public var streams: Int
        /// Milliseconds from copying the state to its being durable.
        public var durationMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case time, streams
            case durationMilliseconds = "duration_ms"
        }

        /// Creates an entry; each parameter is the property of its name.
        public init(time: Int64, streams: Int, durationMilliseconds: Double) {
            self.time = time
            self.streams = streams
            self.durationMilliseconds = durationMilliseconds
        }
    }

    /// What is in the journal.
    public struct Journal: Codable, Equatable, Sendable {
        /// Bytes of records since the last checkpoint.
        public var bytes: Int
        /// It holds less than all that was decided on: it could not be written.
        public var hasFailed: Bool
        /// Why; nil where it has not failed.
        public var error: String?

        private enum CodingKeys: String, CodingKey {
            case bytes
            case hasFailed = "failed"
            case error
        }

        /// Creates an entry; each parameter is the property of its name.
        public init(bytes: Int, hasFailed: Bool, error: String? = nil) {
            self.bytes = bytes
            self.hasFailed = hasFailed
            self.error = error
        }
    }

    /// A word that each start of a daemon makes up anew, so that a client sees a restart; nil from a daemon of an earlier
    /// version.
    public var instance: String?
    /// The daemon's version.
    public var version: String
    /// Seconds since it was ready.
    public var uptimeSeconds: Double
    /// Where its sockets are.
    public var endpoints: Endpoints
    /// How messages are written there; nil where all is binary.
    public var codecs: Codecs?
    /// What it serves.
    public var models: [Model]
    /// Streams that it knows.
    public var streams: Int
    /// Streams that are paused.
    public var paused: Int
    /// Timesteps consumed since the start.
    public var timesteps: UInt64
    /// Decisions published since the start.
    public var decisions: UInt64
    /// Timesteps skipped since they had been consumed already.
    public var duplicates: UInt64
    /// Jumps ahead in a stream's sequence numbers.
    public var gaps: UInt64
    /// States that turned NaN or infinite and were given up.
    public var quarantined: UInt64
    /// Streams whose state is in the store and not in memory.
    public var asleep: Int
    /// What was dropped, by ``DropCause``.
    public var dropped: [String: UInt64]
    /// Connections that were not let in, by endpoint: `ingest`, `decisions`, `control`.
    public var refusedConnections: [String: UInt64]
    /// How often a subscriber to decisions had no room for a message, and missed what came from there on.
    public var subscriberOverflows: UInt64
    /// Streams whose timesteps are all skipped as duplicates; nil from a daemon that does not tell.
    public var stuck: Int?
    /// How often the process could open no more files; nil from a daemon that does not tell.
    public var fileExhaustions: UInt64?
    /// The last checkpoint; null before the first, or without a state folder.
    public var checkpoint: Checkpoint?
    /// Why the last checkpoint failed; nil where it did not.
    public var checkpointError: String?
    /// Why the state folder is not the one that it was at the start; nil where it is.
    public var stateFolderError: String?
    /// The journal; nil where none is kept.
    public var journal: Journal?

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
    }

    /// Creates a status; each parameter is the property of its name.
    public init(
        version: String, uptimeSeconds: Double, endpoints: Endpoints, codecs: Codecs? = nil, models: [Model],
        streams: Int, paused: Int, timesteps: UInt64, decisions: UInt64, duplicates: UInt64, gaps: UInt64,
        dropped: [String: UInt64], checkpoint: Checkpoint?, checkpointError: String? = nil,
        stateFolderError: String? = nil,
        journal: Journal? = nil,
        quarantined: UInt64 = 0, asleep: Int = 0, refusedConnections: [String: UInt64] = [:],
        subscriberOverflows: UInt64 = 0, stuck: Int? = nil, fileExhaustions: UInt64? = nil, instance: String? = nil
    ) {
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

    /// Writes the status. `checkpoint` is always there, null before the first; what else may be nil is left out then.
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
    }
}

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

        /// Creates the list.
        ///
        /// - Parameters:
        ///   - ingest: Where timesteps come in.
        ///   - decisions: Where decisions go out.
        ///   - control: Where requests are taken.
        public init(ingest: [String], decisions: String, control: String) {
            self.ingest = ingest
            self.decisions = decisions
            self.control = control
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
        /// Floats in one timestep.
        public var features: Int
        /// Probabilities in one decision.
        public var outputs: Int
        /// How many weights it has.
        public var parameters: Int
        /// The stream id prefixes it takes.
        public var prefixes: [String]

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - name: Its name in the configuration.
        ///   - file: The file it was read from.
        ///   - fingerprint: SHA-256 over architecture and weights.
        ///   - mode: How sequences are decided.
        ///   - features: Floats in one timestep.
        ///   - outputs: Probabilities in one decision.
        ///   - parameters: How many weights it has.
        ///   - prefixes: The stream id prefixes it takes.
        public init(
            name: String, file: String, fingerprint: String, mode: String, features: Int, outputs: Int,
            parameters: Int, prefixes: [String]
        ) {
            self.name = name
            self.file = file
            self.fingerprint = fingerprint
            self.mode = mode
            self.features = features
            self.outputs = outputs
            self.parameters = parameters
            self.prefixes = prefixes
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

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - time: Nanoseconds since the Unix epoch when it was durable.
        ///   - streams: Streams that it wrote.
        ///   - durationMilliseconds: Milliseconds from copying the state to its being durable.
        public init(time: Int64, streams: Int, durationMilliseconds: Double) {
            self.time = time
            self.streams = streams
            self.durationMilliseconds = durationMilliseconds
        }
    }

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
    /// What was dropped, by ``DropCause``.
    public var dropped: [String: UInt64]
    /// The last checkpoint; null before the first, or without a state folder.
    public var checkpoint: Checkpoint?

    private enum CodingKeys: String, CodingKey {
        case version
        case uptimeSeconds = "uptime_s"
        case endpoints, codecs, models, streams, paused, timesteps, decisions, duplicates, gaps, dropped, checkpoint
    }

    /// Creates a status; each parameter is the property of its name.
    public init(
        version: String, uptimeSeconds: Double, endpoints: Endpoints, codecs: Codecs? = nil, models: [Model],
        streams: Int, paused: Int, timesteps: UInt64, decisions: UInt64, duplicates: UInt64, gaps: UInt64,
        dropped: [String: UInt64], checkpoint: Checkpoint?
    ) {
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
    }

    /// Writes the status. `checkpoint` is always there, null before the first; `codecs` only where they are not all binary.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
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
        try container.encode(dropped, forKey: .dropped)
        try container.encode(checkpoint, forKey: .checkpoint)
    }
}

/// What `stream` answers: one stream as it stands.
public struct StreamStatus: Codable, Equatable, Sendable {
    /// The model's outputs on one timestep: a number where there is one, an array where there are several.
    public enum Probability: Codable, Equatable, Sendable {
        /// The model's one output.
        case one(Float)
        /// The model's outputs.
        case several([Float])

        /// Creates the form that fits the number of outputs.
        ///
        /// - Parameter outputs: The model's outputs.
        public init(_ outputs: [Float]) {
            if outputs.count == 1 {
                self = .one(outputs[0])
            } else {
                self = .several(outputs)
            }
        }

        /// Reads a number or an array. Null stands for a number that JSON cannot express, and becomes a NaN.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .one(.nan)
            } else if let value = try? container.decode(Float.self) {
                self = .one(value)
            } else {
                self = .several(try container.decode([Float?].self).map { $0 ?? .nan })
            }
        }

        /// Writes a number or an array.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .one(let value): try container.encode(value)
            case .several(let values): try container.encode(values)
            }
        }

        /// The outputs, one or several.
        public var values: [Float] {
            switch self {
            case .one(let value): [value]
            case .several(let values): values
            }
        }
    }

    /// The stream's id.
    public var stream: String
    /// The name of the model that decides on it.
    public var model: String
    /// The number of the last timestep consumed, over the stream's life.
    public var sequence: UInt64
    /// Timesteps since the last reset.
    public var step: UInt64
    /// The answer to the last timestep.
    public var probability: Probability
    /// The label of the last decision.
    public var label: UInt8
    /// Seconds since the last timestep was consumed.
    public var idleSeconds: Double
    /// Whether its timesteps wait.
    public var paused: Bool

    private enum CodingKeys: String, CodingKey {
        case stream, model, sequence, step, probability, label
        case idleSeconds = "idle_s"
        case paused
    }

    /// Creates a status; each parameter is the property of its name.
    public init(
        stream: String, model: String, sequence: UInt64, step: UInt64, probability: Probability, label: UInt8,
        idleSeconds: Double, paused: Bool
    ) {
        self.stream = stream
        self.model = model
        self.sequence = sequence
        self.step = step
        self.probability = probability
        self.label = label
        self.idleSeconds = idleSeconds
        self.paused = paused
    }
}

/// What `streams` answers: one page.
public struct StreamPage: Codable, Equatable, Sendable {
    /// The streams, ordered by the bytes of their ids.
    public var streams: [StreamStatus]
    /// What to give as `after` for the next page; null at the end.
    public var next: String?

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - streams: The streams, ordered by the bytes of their ids.
    ///   - next: What to give as `after` for the next page; nil at the end.
    public init(streams: [StreamStatus], next: String?) {
        self.streams = streams
        self.next = next
    }

    /// Writes the page. `next` is always there, null at the end.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(streams, forKey: .streams)
        try container.encode(next, forKey: .next)
    }

    private enum CodingKeys: String, CodingKey { case streams, next }
}

/// What `snapshot` answers, and one entry of `snapshots`.
public struct SnapshotStatus: Codable, Equatable, Sendable {
    /// The snapshot's name.
    public var name: String
    /// Streams in it.
    public var streams: Int
    /// Bytes of state in it.
    public var bytes: Int
    /// Nanoseconds since the Unix epoch when it was taken.
    public var time: Int64
    /// The fingerprints of the models whose state it holds.
    public var models: [String]

    /// Creates an entry.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - streams: Streams in it.
    ///   - bytes: Bytes of state in it.
    ///   - time: Nanoseconds since the Unix epoch when it was taken.
    ///   - models: The fingerprints of the models whose state it holds.
    public init(name: String, streams: Int, bytes: Int, time: Int64, models: [String]) {
        self.name = name
        self.streams = streams
        self.bytes = bytes
        self.time = time
        self.models = models
    }
}

/// What `snapshots` answers.
public struct SnapshotList: Codable, Equatable, Sendable {
    /// The snapshots, oldest first.
    public var snapshots: [SnapshotStatus]

    /// Creates a list.
    ///
    /// - Parameter snapshots: The snapshots, oldest first.
    public init(snapshots: [SnapshotStatus]) {
        self.snapshots = snapshots
    }
}

/// What `checkpoint` answers.
public struct CheckpointResult: Codable, Equatable, Sendable {
    /// Streams that were written.
    public var streams: Int
    /// Milliseconds from copying the state to its being durable.
    public var durationMilliseconds: Double

    private enum CodingKeys: String, CodingKey {
        case streams
        case durationMilliseconds = "duration_ms"
    }

    /// Creates a result.
    ///
    /// - Parameters:
    ///   - streams: Streams that were written.
    ///   - durationMilliseconds: Milliseconds from copying the state to its being durable.
    public init(streams: Int, durationMilliseconds: Double) {
        self.streams = streams
        self.durationMilliseconds = durationMilliseconds
    }
}

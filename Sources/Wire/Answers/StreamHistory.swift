/// The answer to `history`: the last decisions of some streams.
public struct HistoryAnswer: Codable, Equatable, Sendable {
    /// The time between points in seconds; always nil, because each point has its own time.
    public var interval: Double?
    /// The maximum number of points that the daemon keeps for each stream; 0 if it keeps no history.
    public var points: Int
    /// The streams, in the order of the request or with the most recent decision first.
    public var streams: [StreamHistory]
    /// The number of streams that have a history.
    public var held: Int
    /// The size of all histories in bytes.
    public var bytes: Int
    /// The maximum size of all histories in bytes.
    public var limitBytes: Int

    private enum CodingKeys: String, CodingKey {
        case interval, points, streams, held, bytes
        case limitBytes = "limit_bytes"
    }

    /// Creates an answer. Each parameter sets the property of the same name.
    public init(points: Int, streams: [StreamHistory], held: Int, bytes: Int, limitBytes: Int) {
        self.points = points
        self.streams = streams
        self.held = held
        self.bytes = bytes
        self.limitBytes = limitBytes
    }

    /// Writes the answer. `interval` is always present.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(interval, forKey: .interval)
        try container.encode(points, forKey: .points)
        try container.encode(streams, forKey: .streams)
        try container.encode(held, forKey: .held)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(limitBytes, forKey: .limitBytes)
    }
}

/// The last decisions of one stream, and its current status.
public struct StreamHistory: Codable, Equatable, Sendable {
    /// The stream's id.
    public var stream: String
    /// The name of the stream's model.
    public var model: String
    /// The label of the last decision.
    public var label: UInt8
    /// The output that decided the label: the only output, or the largest of several. Nil if it is not finite, or if the
    /// stream hibernates and has no history.
    public var probability: Float?
    /// The sequence number of the last timestep consumed, counted over the stream's life.
    public var timesteps: UInt64
    /// The number of timesteps since the last reset.
    public var step: UInt64
    /// The number of gaps in the stream's sequence numbers since the daemon's start.
    public var gaps: UInt64
    /// The number of skipped timesteps since the daemon's start.
    public var duplicates: UInt64
    /// Whether the stream is paused.
    public var paused: Bool
    /// The time since the last timestep was consumed, in seconds.
    public var idleSeconds: Double
    /// The lowest output at which the label becomes 1; nil if the model has several outputs.
    public var threshold: Float?
    /// The times of the decisions in seconds since the Unix epoch, oldest first.
    public var times: [Double] = []
    /// The outputs that decided the labels, one for each time. Nil stands for an output that is not finite.
    public var probabilities: [Float?] = []
    /// The changes of the stream between its decisions, oldest first.
    public var marks: [HistoryMark] = []

    private enum CodingKeys: String, CodingKey {
        case stream, model, label, probability, timesteps, step, gaps, duplicates, paused, threshold
        case idleSeconds = "idle_seconds"
        case times, probabilities, marks
    }

    /// Creates a history without points.
    ///
    /// - Parameters:
    ///   - status: The status of the stream.
    ///   - threshold: The lowest output at which the label becomes 1; nil if the model has several outputs.
    public init(_ status: StreamStatus, threshold: Float?) {
        stream = status.stream
        model = status.model
        label = status.label
        probability = status.probability.values.max().flatMap { $0.isFinite ? $0 : nil }
        timesteps = status.sequence
        step = status.step
        gaps = status.tally.gaps
        duplicates = status.tally.duplicates
        paused = status.paused
        idleSeconds = status.idleSeconds
        self.threshold = threshold
    }

    /// Writes the history. `probability` and `threshold` are always present.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stream, forKey: .stream)
        try container.encode(model, forKey: .model)
        try container.encode(label, forKey: .label)
        try container.encode(probability, forKey: .probability)
        try container.encode(timesteps, forKey: .timesteps)
        try container.encode(step, forKey: .step)
        try container.encode(gaps, forKey: .gaps)
        try container.encode(duplicates, forKey: .duplicates)
        try container.encode(paused, forKey: .paused)
        try container.encode(idleSeconds, forKey: .idleSeconds)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(times, forKey: .times)
        try container.encode(probabilities, forKey: .probabilities)
        try container.encode(marks, forKey: .marks)
    }
}

/// A change of a stream between two of its decisions.
public struct HistoryMark: Codable, Equatable, Sendable {
    /// The kinds of changes.
    public enum Kind: String, CaseIterable, Codable, Sendable {
        /// Timesteps are missing before the next decision.
        case gap
        /// A request set the state to zero.
        case reset
        /// The state was replaced with the state in a snapshot.
        case restored
        /// The state became NaN or infinite and was reset.
        case quarantined
    }

    /// The time in seconds since the Unix epoch.
    public var time: Double
    /// The kind of change.
    public var kind: Kind

    /// Creates a mark.
    ///
    /// - Parameters:
    ///   - time: The time in seconds since the Unix epoch.
    ///   - kind: The kind of change.
    public init(time: Double, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

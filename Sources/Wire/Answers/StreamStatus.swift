/// The answer to `stream`: the current status of one stream.
public struct StreamStatus: Codable, Equatable, Sendable {
    /// The model's outputs on one timestep: one number or an array. An output that is NaN or infinite becomes null,
    /// because JSON cannot express such a number.
    public enum Probability: Codable, Equatable, Sendable {
        /// The model's only output.
        case one(Float)
        /// The model's outputs.
        case several([Float])

        /// Creates a number for one output, or an array for several.
        ///
        /// - Parameter outputs: The model's outputs.
        public init(_ outputs: [Float]) {
            if outputs.count == 1 {
                self = .one(outputs[0])
            } else {
                self = .several(outputs)
            }
        }

        /// Reads a number or an array. Null, which stands for a number that JSON cannot express, becomes NaN.
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
            case .one(let value): try container.encode(value.isFinite ? value : nil)
            case .several(let values): try container.encode(values.map { $0.isFinite ? $0 : nil })
            }
        }

        /// One or more outputs.
        public var values: [Float] {
            switch self {
            case .one(let value): [value]
            case .several(let values): values
            }
        }
    }

    /// The stream's id.
    public var stream: String
    /// The name of the stream's model.
    public var model: String
    /// The sequence number of the last timestep consumed, counted over the stream's life.
    public var sequence: UInt64
    /// The number of timesteps since the last reset.
    public var step: UInt64
    /// The model's outputs on the last timestep.
    public var probability: Probability
    /// The label of the last decision.
    public var label: UInt8
    /// The time since the last timestep was consumed, in seconds.
    public var idleSeconds: Double
    /// Whether the stream is paused, so that its timesteps wait.
    public var paused: Bool
    /// Whether the stream hibernates: its state is in the store and not in memory.
    public var asleep: Bool
    /// The number of timesteps that wait because the stream is paused or its state is being read.
    public var waiting: Int
    /// Counts of events since the daemon's start.
    public var tally: StreamTally

    private enum CodingKeys: String, CodingKey {
        case stream, model, sequence, step, probability, label
        case idleSeconds = "idle_s"
        case paused, asleep, waiting, gaps, duplicates, quarantined
    }

    /// Creates a status. Each parameter sets the property of the same name.
    public init(
        stream: String, model: String, sequence: UInt64, step: UInt64, probability: Probability, label: UInt8,
        idleSeconds: Double, paused: Bool, asleep: Bool = false, waiting: Int = 0, tally: StreamTally = StreamTally()
    ) {
        self.stream = stream
        self.model = model
        self.sequence = sequence
        self.step = step
        self.probability = probability
        self.label = label
        self.idleSeconds = idleSeconds
        self.paused = paused
        self.asleep = asleep
        self.waiting = waiting
        self.tally = tally
    }

    /// Reads a status. Members that an older daemon leaves out become zero or false.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        stream = try container.decode(String.self, forKey: .stream)
        model = try container.decode(String.self, forKey: .model)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        step = try container.decode(UInt64.self, forKey: .step)
        probability = try container.decode(Probability.self, forKey: .probability)
        label = try container.decode(UInt8.self, forKey: .label)
        idleSeconds = try container.decode(Double.self, forKey: .idleSeconds)
        paused = try container.decode(Bool.self, forKey: .paused)
        asleep = try container.decodeIfPresent(Bool.self, forKey: .asleep) ?? false
        waiting = try container.decodeIfPresent(Int.self, forKey: .waiting) ?? 0
        tally = StreamTally(
            gaps: try container.decodeIfPresent(UInt64.self, forKey: .gaps) ?? 0,
            duplicates: try container.decodeIfPresent(UInt64.self, forKey: .duplicates) ?? 0,
            quarantined: try container.decodeIfPresent(UInt64.self, forKey: .quarantined) ?? 0)
    }

    /// Writes the status. The counts of the tally become members of the status itself.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stream, forKey: .stream)
        try container.encode(model, forKey: .model)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(step, forKey: .step)
        try container.encode(probability, forKey: .probability)
        try container.encode(label, forKey: .label)
        try container.encode(idleSeconds, forKey: .idleSeconds)
        try container.encode(paused, forKey: .paused)
        try container.encode(asleep, forKey: .asleep)
        try container.encode(waiting, forKey: .waiting)
        try container.encode(tally.gaps, forKey: .gaps)
        try container.encode(tally.duplicates, forKey: .duplicates)
        try container.encode(tally.quarantined, forKey: .quarantined)
    }
}

/// Counts of one stream's events since the daemon's start.
public struct StreamTally: Equatable, Sendable {
    /// The number of gaps in the stream's sequence numbers.
    public var gaps: UInt64
    /// The number of timesteps skipped because they had already been consumed.
    public var duplicates: UInt64
    /// The number of times that the stream's state became NaN or infinite and was reset.
    public var quarantined: UInt64

    /// Creates a tally. Each parameter sets the property of the same name.
    public init(gaps: UInt64 = 0, duplicates: UInt64 = 0, quarantined: UInt64 = 0) {
        self.gaps = gaps
        self.duplicates = duplicates
        self.quarantined = quarantined
    }
}

/// What `stream` answers: one stream as it stands.
public struct StreamStatus: Codable, Equatable, Sendable {
    /// The model's outputs on one timestep: a number where there is one, an array where there are several. One that is NaN
    /// or infinite, as a model without bounds may answer, is null: JSON has no other word for it.
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
            case .one(let value): try container.encode(value.isFinite ? value : nil)
            case .several(let values): try container.encode(values.map { $0.isFinite ? $0 : nil })
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
    /// Whether its state is in the store and not in memory, since no timestep has come for long.
    public var asleep: Bool
    /// Timesteps that wait in the daemon, since the stream is paused or its state is being read.
    public var waiting: Int
    /// What has happened to it since the daemon's start.
    public var tally: StreamTally

    private enum CodingKeys: String, CodingKey {
        case stream, model, sequence, step, probability, label
        case idleSeconds = "idle_s"
        case paused, asleep, waiting, gaps, duplicates, quarantined
    }

    /// Creates a status; each parameter is the property of its name.
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

    /// Reads a status. What a daemon of an earlier version leaves out has not happened.
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

    /// Writes the status, the tally's counts among its members.
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

/// What has happened to one stream since the daemon's start, counted.
public struct StreamTally: Equatable, Sendable {
    /// Jumps ahead in its sequence numbers.
    public var gaps: UInt64
    /// Timesteps skipped since they had been consumed already.
    public var duplicates: UInt64
    /// How often its state turned NaN or infinite and was given up.
    public var quarantined: UInt64

    /// Creates a tally; each parameter is the property of its name.
    public init(gaps: UInt64 = 0, duplicates: UInt64 = 0, quarantined: UInt64 = 0) {
        self.gaps = gaps
        self.duplicates = duplicates
        self.quarantined = quarantined
    }
}

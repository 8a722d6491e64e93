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

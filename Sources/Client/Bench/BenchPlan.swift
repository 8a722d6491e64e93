import Wire

/// How ``Bench`` loads its targets: both alike.
public struct BenchPlan: Codable, Equatable, Sendable {
    /// Streams that the messages are for, in turn.
    public var streams: Int
    /// Timesteps in one message.
    public var timesteps: Int
    /// Seconds of load that are counted in one round.
    public var seconds: Double
    /// How often each target is measured.
    public var rounds: Int
    /// Messages that may be on their way at any time. Above a high-water mark messages would be lost.
    public var inFlight: Int
    /// What the ids of the throw-away streams begin with.
    public var prefix: String

    private enum CodingKeys: String, CodingKey {
        case streams, timesteps, seconds, rounds
        case inFlight = "in_flight"
        case prefix
    }

    /// Creates a plan; each parameter is the property of its name.
    public init(
        streams: Int = 1000, timesteps: Int = 1, seconds: Double = 2, rounds: Int = 5, inFlight: Int = 5000,
        prefix: String
    ) {
        self.streams = streams
        self.timesteps = timesteps
        self.seconds = seconds
        self.rounds = rounds
        self.inFlight = inFlight
        self.prefix = prefix
    }
}

/// The two frames of the messages of a load, made beforehand so that sending measures nothing else.
struct Load: Sendable {
    /// First frames, side by side: one id a stream, all of one length.
    private let ids: [UInt8]
    private let idLength: Int
    private let streams: Int
    /// Second frames, side by side, for the messages in turn.
    private let payloads: [UInt8]
    private let payloadLength: Int

    /// A prime, so that a stream does not get the same values again and again.
    static let payloadCount = 1021

    /// Makes a load; the same parameters make the same.
    ///
    /// - Parameters:
    ///   - plan: How many streams and timesteps.
    ///   - features: Floats in one timestep.
    ///   - vocabulary: How many tokens there are, where a timestep is a token.
    ///   - seed: What the values are drawn from.
    init(_ plan: BenchPlan, features: Int, vocabulary: Int? = nil, seed: UInt64 = 1) {
        streams = plan.streams
        idLength = plan.idLength
        ids = (0..<plan.streams).flatMap { plan.id($0) }
        payloadLength = plan.timesteps * features * MemoryLayout<Float>.stride
        var generator = SplitMix64(seed: seed)
        let count = Self.payloadCount * plan.timesteps * features
        if let vocabulary {
            let tokens = 0..<Int32(vocabulary)
            payloads = Timesteps.bytes(tokens: (0..<count).map { _ in .random(in: tokens, using: &generator) })
        } else {
            payloads = Timesteps.bytes((0..<count).map { _ in .random(in: -1...1, using: &generator) })
        }
    }

    /// The first frame of a message.
    @_lifetime(borrow self)
    func id(_ message: Int) -> Span<UInt8> {
        let start = message % streams * idLength
        return ids.span.extracting(start..<start + idLength)
    }

    /// The second frame of a message.
    @_lifetime(borrow self)
    func payload(_ message: Int) -> Span<UInt8> {
        let start = message % Self.payloadCount * payloadLength
        return payloads.span.extracting(start..<start + payloadLength)
    }
}

extension BenchPlan {
    /// Bytes of the id of any stream.
    fileprivate var idLength: Int { prefix.utf8.count + "\(streams - 1)".utf8.count }

    /// The id of a stream, its number filled up with zeros.
    fileprivate func id(_ stream: Int) -> [UInt8] {
        let number = "\(stream)"
        let zeros = idLength - prefix.utf8.count - number.utf8.count
        return Array("\(prefix)\(String(repeating: "0", count: zeros))\(number)".utf8)
    }
}

/// Sebastiano Vigna's SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): small, seeded, the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

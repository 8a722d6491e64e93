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
    /// First frames: one id a stream.
    let ids: [[UInt8]]
    /// Second frames, for the messages in turn.
    let payloads: [[UInt8]]

    /// Makes a load; the same parameters make the same.
    ///
    /// - Parameters:
    ///   - plan: How many streams and timesteps.
    ///   - features: Floats in one timestep.
    ///   - vocabulary: How many tokens there are, where a timestep is a token.
    ///   - seed: What the values are drawn from.
    init(_ plan: BenchPlan, features: Int, vocabulary: Int? = nil, seed: UInt64 = 1) {
        ids = (0..<plan.streams).map { Array("\(plan.prefix)\($0)".utf8) }
        var generator = SplitMix64(seed: seed)
        // A prime, so that a stream does not get the same values again and again.
        payloads = (0..<1021).map { _ in
            if let vocabulary {
                let tokens = 0..<Int32(vocabulary)
                return Timesteps.bytes(tokens: (0..<plan.timesteps).map { _ in .random(in: tokens, using: &generator) })
            }
            let count = plan.timesteps * features
            return Timesteps.bytes((0..<count).map { _ in .random(in: -1...1, using: &generator) })
        }
    }

    func id(_ message: Int) -> [UInt8] { ids[message % ids.count] }
    func payload(_ message: Int) -> [UInt8] { payloads[message % payloads.count] }
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

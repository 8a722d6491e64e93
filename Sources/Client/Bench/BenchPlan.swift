import Recurrent
import Wire

/// The load that ``Bench`` puts on both targets.
package struct BenchPlan: Codable, Equatable, Sendable {
    /// The number of streams. Messages go to the streams in rotation.
    package var streams: Int
    /// The number of timesteps in one message.
    package var timesteps: Int
    /// The length of the measured load in one round, in seconds.
    package var seconds: Double
    /// The number of rounds for each target.
    package var rounds: Int
    /// The maximum number of messages in transit. It must stay below the high-water marks, above which sockets drop
    /// messages.
    package var inFlight: Int
    /// The prefix of the ids of the temporary streams.
    package var prefix: String

    private enum CodingKeys: String, CodingKey {
        case streams, timesteps, seconds, rounds
        case inFlight = "in_flight"
        case prefix
    }

    /// Creates a plan. Each parameter sets the property of the same name.
    package init(
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

/// The frames of a load's messages. They are built in advance, so that the measurement covers only the sending.
struct Load: Sendable {
    /// The first frames, which are the stream ids, shape (streams, id length).
    private let ids: [UInt8]
    private let idLength: Int
    private let streams: Int
    /// The second frames, which hold the values, one after another. The messages use them in turn.
    private let payloads: [UInt8]
    private let payloadLength: Int

    /// The number of second frames. It is prime, so that a stream does not keep getting the same values.
    static let payloadCount = 1021

    /// Creates a load. Equal parameters give equal loads.
    ///
    /// - Parameters:
    ///   - plan: The plan, which sets the stream ids and the number of timesteps in one message.
    ///   - features: The number of floats in one timestep.
    ///   - vocabulary: The size of the vocabulary, if a timestep is a token.
    ///   - seed: The seed of the values.
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

    /// Returns the first frame of a message.
    @_lifetime(borrow self)
    func id(_ message: Int) -> Span<UInt8> {
        let start = message % streams * idLength
        return ids.span.extracting(start..<start + idLength)
    }

    /// Returns the second frame of a message.
    @_lifetime(borrow self)
    func payload(_ message: Int) -> Span<UInt8> {
        let start = message % Self.payloadCount * payloadLength
        return payloads.span.extracting(start..<start + payloadLength)
    }
}

extension BenchPlan {
    /// The length of every stream's id, in bytes.
    fileprivate var idLength: Int { prefix.utf8.count + "\(streams - 1)".utf8.count }

    /// Returns the id of a stream, with its number padded with zeros.
    fileprivate func id(_ stream: Int) -> [UInt8] {
        let number = "\(stream)"
        let zeros = idLength - prefix.utf8.count - number.utf8.count
        return Array("\(prefix)\(String(repeating: "0", count: zeros))\(number)".utf8)
    }
}

import Recurrent
import Wire

/// The load that ``Bench`` puts on both targets.
package struct BenchPlan: Codable, Equatable, Sendable {
    /// The number of streams. Messages go to the streams in rotation.
    package var streams: Int
    /// The number of streams in one message. Messages with more than one stream have the codec `batch`.
    package var streamsPerMessage: Int
    /// Whether messages name streams by their numbers in a dictionary. This requires several streams per message.
    package var usesNumbers: Bool
    /// The number of timesteps in one message, for each of its streams.
    package var timesteps: Int
    /// The length of the measured load in one round, in seconds.
    package var seconds: Double
    /// The number of rounds for each target.
    package var rounds: Int
    /// The maximum number of messages in transit. It must stay below the high-water marks, above which sockets drop
    /// messages.
    package var inFlight: Int
    /// The id prefix of the temporary streams.
    package var prefix: String

    private enum CodingKeys: String, CodingKey {
        case streams, timesteps, seconds, rounds
        case streamsPerMessage = "streams_per_message"
        case usesNumbers = "numbers"
        case inFlight = "in_flight"
        case prefix
    }

    /// Creates a plan. Each parameter sets the property of the same name.
    package init(
        streams: Int = 1000, streamsPerMessage: Int = 1, usesNumbers: Bool = false, timesteps: Int = 1,
        seconds: Double = 2, rounds: Int = 5, inFlight: Int = 5000, prefix: String
    ) {
        self.streams = streams
        self.streamsPerMessage = streamsPerMessage
        self.usesNumbers = usesNumbers
        self.timesteps = timesteps
        self.seconds = seconds
        self.rounds = rounds
        self.inFlight = inFlight
        self.prefix = prefix
    }
}

/// The answer to `checkpoint`.
public struct CheckpointResult: Codable, Equatable, Sendable {
    /// The number of streams written.
    public var streams: Int
    /// The time from copying the state until the copy was durable, in milliseconds.
    public var durationMilliseconds: Double

    private enum CodingKeys: String, CodingKey {
        case streams
        case durationMilliseconds = "duration_ms"
    }

    /// Creates an answer. Each parameter sets the property of the same name.
    public init(streams: Int, durationMilliseconds: Double) {
        self.streams = streams
        self.durationMilliseconds = durationMilliseconds
    }
}

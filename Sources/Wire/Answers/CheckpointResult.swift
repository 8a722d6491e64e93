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

/// Why timesteps were dropped. The raw values are the keys of `dropped` in the daemon's `status`.
public enum DropCause: String, Error, CaseIterable, Codable, Sendable {
    /// Not 2 or 3 frames.
    case frames
    /// Not a stream id: see ``StreamID``.
    case id
    /// The second frame is empty or no whole number of timesteps.
    case length
    /// The third frame is not 16 bytes, or its reserved field is in use.
    case header
    /// A flag that this version does not know.
    case flags
    /// A sequence number past 2⁶⁴ − 1.
    case sequence
    /// A NaN or an infinity among the values.
    case nonFinite = "non_finite"
    /// The stream id fits no model's prefixes.
    case unrouted
    /// The stream is paused and as many timesteps wait as may. Counted in timesteps; all others in messages.
    case paused

    /// What was wrong and what to do, in words for a log line.
    public var explanation: String {
        switch self {
        case .frames: "a message has 2 or 3 frames: stream id, timesteps, optional header"
        case .id: "a stream id is 1 to 255 bytes of UTF-8 without control characters, not beginning with !sluice/"
        case .length: "the second frame is one or more timesteps, each as many float32 as the model has features"
        case .header: "the third frame is 16 bytes: u64 sequence, u32 flags, u32 reserved (0)"
        case .flags: "only the flags 1 (start) and 2 (end) are known"
        case .sequence: "the sequence number would pass 2^64 - 1"
        case .nonFinite: "the values hold a NaN or an infinity"
        case .unrouted: "the stream id fits no model's prefixes"
        case .paused: "the stream is paused and its waiting timesteps have reached their limit"
        }
    }
}

/// Why timesteps were dropped. The raw values are the keys of `dropped` in the daemon's `status`.
public enum DropCause: String, Error, CaseIterable, Codable, Sendable {
    /// Not 2 or 3 frames; with the codec `json` not 1 or 2, with `text` not 1.
    case frames
    /// Not a stream id: see ``StreamID``. With the codec `json` also none, or two that differ.
    case id
    /// No timestep, or one that has not got as many values as the model has features.
    case length
    /// The third frame is not 16 bytes, or its reserved field is in use.
    case header
    /// A flag that this version does not know.
    case flags
    /// A frame that is larger than one may be. With the codecs `json` and `text`: more than
    /// ``ParsedTimesteps/maximumLength`` bytes.
    case tooLarge = "too_large"
    /// With the codec `json`: not such an object as ``ParsedTimesteps`` reads.
    case json
    /// With the codec `text`: a value that is no number.
    case text
    /// A sequence number past 2⁶⁴ − 1.
    case sequence
    /// A NaN or an infinity among the values, or a number that float32 cannot hold.
    case nonFinite = "non_finite"
    /// A token that is not in the model's vocabulary.
    case token
    /// The stream id fits no model's prefixes.
    case unrouted
    /// The sequence is longer than one that must be buffered may be: it is given up, and its timesteps are consumed
    /// undecided until its end.
    case tooLong = "too_long"
    /// The stream is new, and as many are there as may be.
    case tooManyStreams = "too_many_streams"
    /// The stream is paused, or not read from the store yet, and as many timesteps wait as may. Counted in timesteps; all
    /// others in messages.
    case paused

    /// What was wrong and what to do, in words for a log line.
    public var explanation: String {
        switch self {
        case .frames:
            "a message has 2 or 3 frames: stream id, timesteps, optional header; as json 1 or 2, as text 1"
        case .id:
            "a stream id is 1 to 255 bytes of UTF-8 without control characters, not beginning with !, and the "
                + "same in a frame of its own and as a member of JSON"
        case .length: "a message has one or more timesteps, each as many values as the model has features"
        case .header: "the third frame is 16 bytes: u64 sequence, u32 flags, u32 reserved (0)"
        case .flags: "only the flags 1 (start) and 2 (end) are known"
        case .tooLarge: "a frame has at most --max-message-size, as json or text 1 MiB; send several messages"
        case .json:
            #"as json a message is an object of "stream" (string), "values" (numbers, or arrays of them), "sequence" "#
                + #"(whole number), "start" and "end" (true or false), each at most once"#
        case .text: "as text a message is a stream id, then one timestep's values as decimal numbers"
        case .sequence: "the sequence number would pass 2^64 - 1"
        case .nonFinite: "the values hold a NaN or an infinity, or a number too large for float32"
        case .token: "a token is a whole number from 0 and below the model's vocabulary"
        case .unrouted: "the stream id fits no model's prefixes"
        case .tooLong:
            "the sequence is longer than the model's max_length; it is not decided on, and the next begins after its end flag"
        case .tooManyStreams:
            "the stream is new and there are as many as --max-streams allows; remove some, or allow more"
        case .paused:
            "the stream is paused, or is still read from the store, and its waiting timesteps have reached their limit"
        }
    }
}

/// The reason for dropping timesteps. The raw values are the keys of `dropped` in the daemon's `status`.
public enum DropCause: String, Error, CaseIterable, Codable, Sendable {
    /// The message has the wrong number of frames. The codec `binary` allows 2 or 3, `json` 1 or 2, and `text` 1.
    case frames
    /// The stream id is not valid; see ``StreamID``. With the codec `json`, this cause also covers a message that names
    /// no stream or two different streams.
    case id
    /// The message has no timestep, or a timestep has more or fewer values than the model has features. With the codec
    /// `batch`, this cause also covers values of a type that the model does not take.
    case length
    /// The third frame does not have 16 bytes, or its reserved field is not 0.
    case header
    /// The header has a flag that this version does not know.
    case flags
    /// A frame exceeds the size limit. With the codecs `json` and `text`, the limit is
    /// ``ParsedTimesteps/maximumLength``.
    case tooLarge = "too_large"
    /// With the codec `json`: the text is not an object of the expected form; see ``ParsedTimesteps``.
    case json
    /// With the codec `text`: a value is not a number.
    case text
    /// With the codec `batch`: the frames do not form a message; see ``BatchLayout``.
    case batch
    /// With the codec `batch`: the daemon does not have the dictionary that a message refers to, or a dictionary is not
    /// valid; see ``StreamDictionary``.
    case dictionary
    /// The sequence number exceeds 2⁶⁴ − 1.
    case sequence
    /// A value is NaN, infinite or too large for float32.
    case nonFinite = "non_finite"
    /// A token is not in the model's vocabulary.
    case token
    /// The stream id does not start with any model's prefix.
    case unrouted
    /// The sequence exceeds the length that the daemon may buffer. The daemon abandons the sequence and consumes its
    /// remaining timesteps without a decision.
    case tooLong = "too_long"
    /// The sequence ends after fewer timesteps than the model needs, so that it gets no decision.
    case tooShort = "too_short"
    /// The stream is new, and the daemon has reached its limit of streams.
    case tooManyStreams = "too_many_streams"
    /// The stream is paused or its state is still being read, and too many of its timesteps are already waiting. This
    /// cause counts timesteps; all others count messages, or entries of a message in the codec `batch`.
    case paused

    /// The problem and its remedy, for a log line.
    public var explanation: String {
        switch self {
        case .frames:
            "a message has 2 or 3 frames (stream id, timesteps, optional header); as json 1 or 2, as text 1"
        case .id:
            "a stream id is 1 to 255 bytes of UTF-8 without control characters and without a leading !; a JSON "
                + "message with an id frame must name the same stream in both"
        case .length: "a message has one or more timesteps, each with one value per feature of the model"
        case .header: "the third frame is 16 bytes: u64 sequence, u32 flags, u32 reserved (0)"
        case .flags: "the only flags are 1 (start) and 2 (end)"
        case .tooLarge: "a frame is limited to --max-message-size, as json or text to 1 MiB; send several messages"
        case .json:
            #"as json a message is an object of "stream" (string), "values" (numbers, or arrays of them), "sequence" "#
                + #"(whole number), "start" and "end" (true or false), each at most once"#
        case .text: "as text a message is a stream id, then one timestep's values as decimal numbers"
        case .batch:
            "as batch a message has a header of 16 bytes, then columns of equal length: streams, values, and optionally "
                + "sequences and flags"
        case .dictionary:
            "the message refers to a dictionary that the daemon does not have, or the dictionary's hash or ids are not "
                + "valid; send the dictionary first, and again after each start of a daemon without a state folder"
        case .sequence: "the sequence number would pass 2^64 - 1"
        case .nonFinite: "the values hold a NaN or an infinity, or a number too large for float32"
        case .token: "a token is a whole number from 0 to the size of the model's vocabulary minus 1"
        case .unrouted: "the stream id has no model's prefix; add a prefix to the configuration"
        case .tooLong:
            "the sequence is longer than the model's max_length; it gets no decision, and the next starts after its end flag"
        case .tooShort:
            "the sequence ended after fewer timesteps than the model needs, so it gets no decision; 'sluice inspect' "
                + "shows how many it needs"
        case .tooManyStreams:
            "the stream is new and --max-streams is reached; remove streams or raise the limit"
        case .paused:
            "the stream is paused or its state is still being read, and its waiting timesteps have reached their limit"
        }
    }
}

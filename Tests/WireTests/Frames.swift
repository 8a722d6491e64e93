import Wire

/// Reads the third frame of a message.
func header(_ frame: [UInt8]) throws(DropCause) -> TimestepHeader {
    try unsafe TimestepHeader(frame.span.bytes)
}

/// Reads the second frame of a message. Returns the timesteps, shape (timesteps, features).
func timesteps(_ frame: [UInt8], features: Int) throws(DropCause) -> [[Float]] {
    let bytes = unsafe frame.span.bytes
    let count = try Timesteps.count(in: bytes, features: features)
    var values = [Float](repeating: 7, count: count * features)
    var span = values.mutableSpan
    try Timesteps.read(bytes, into: &span)
    return (0..<count).map { Array(values[($0 * features)..<(($0 + 1) * features)]) }
}

/// Reads the second frame of a decision message.
func decisions(_ frame: [UInt8]) throws(DecisionError) -> [Decision] {
    try unsafe Decision.records(in: frame.span.bytes)
}

extension DecisionRecords {
    /// The bytes of the second frame written so far.
    var frame: [UInt8] { bytes.indices.map { bytes[$0] } }
}

/// Returns whether the bytes are a valid stream id.
func isStreamID(_ bytes: [UInt8]) -> Bool {
    StreamID.isValid(bytes.span)
}

/// Reads the first frame of a message in the codec `batch`.
func batchHeader(_ frame: [UInt8]) throws(DropCause) -> BatchHeader {
    try unsafe BatchHeader(frame.span.bytes)
}

/// Checks the frames of a message in the codec `batch`.
func layout(_ frames: [[UInt8]]) throws(DropCause) -> BatchLayout {
    let frames = frames + Array(repeating: [], count: 5 - frames.count)
    let header = try batchHeader(frames[0])
    let (streams, values, sequences, flags) = (frames[1], frames[2], frames[3], frames[4])
    return try unsafe BatchLayout(
        header,
        BatchLayout.Frames(
            streams: streams.span.bytes, values: values.span.bytes, sequences: sequences.span.bytes,
            flags: flags.span.bytes))
}

func paddedID(_ index: Int, _ column: [UInt8], width: Int) -> [UInt8] {
    let id = PaddedIDs.id(at: index, in: column.span, width: width)
    return id.indices.map { id[$0] }
}

func row(_ entry: Int, _ values: [UInt8], _ layout: BatchLayout) -> [UInt8] {
    let row = unsafe layout.row(of: entry, in: values.span.bytes)
    return (0..<row.byteCount).map { unsafe row.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

func number(_ entry: Int, _ streams: [UInt8], _ layout: BatchLayout) -> Int {
    unsafe layout.number(of: entry, in: streams.span.bytes)
}

func entryHeader(_ entry: Int, _ frames: [[UInt8]], _ layout: BatchLayout) -> TimestepHeader {
    let (sequences, flags) = (frames[3], frames[4])
    return unsafe layout.header(of: entry, sequences: sequences.span.bytes, flags: flags.span.bytes)
}

func streamDictionary(_ header: BatchHeader, _ column: [UInt8]) throws(DropCause) -> StreamDictionary {
    try StreamDictionary(header, column: column.span)
}

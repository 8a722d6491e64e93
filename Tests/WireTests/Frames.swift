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

import Wire

/// Reads a third frame.
func header(_ frame: [UInt8]) throws(DropCause) -> TimestepHeader {
    try unsafe TimestepHeader(frame.span.bytes)
}

/// Reads a second frame, shape (timesteps, features).
func timesteps(_ frame: [UInt8], features: Int) throws(DropCause) -> [[Float]] {
    let bytes = unsafe frame.span.bytes
    let count = try Timesteps.count(in: bytes, features: features)
    var values = [Float](repeating: 7, count: count * features)
    var span = values.mutableSpan
    try Timesteps.read(bytes, into: &span)
    return (0..<count).map { Array(values[($0 * features)..<(($0 + 1) * features)]) }
}

/// Reads a decision frame.
func decisions(_ frame: [UInt8]) throws(DecisionError) -> [Decision] {
    try unsafe Decision.records(in: frame.span.bytes)
}

extension DecisionRecords {
    /// The second frame as far as it is written.
    var frame: [UInt8] { bytes.indices.map { bytes[$0] } }
}

/// Whether the bytes are a stream id.
func isStreamID(_ bytes: [UInt8]) -> Bool {
    StreamID.isValid(bytes.span)
}

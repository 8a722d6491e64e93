import Wire

/// What a third frame says.
func header(_ frame: [UInt8]) throws(DropCause) -> TimestepHeader {
    try unsafe TimestepHeader(frame.span.bytes)
}

/// What a second frame says, shape (timesteps, features).
func timesteps(_ frame: [UInt8], features: Int) throws(DropCause) -> [[Float]] {
    var values: [Float] = [1, 2, 3]
    let count = try unsafe Timesteps.read(frame.span.bytes, features: features, into: &values)
    return (0..<count).map { Array(values[($0 * features)..<(($0 + 1) * features)]) }
}

/// What a decision frame says.
func decisions(_ frame: [UInt8]) throws(DecisionError) -> [Decision] {
    try unsafe Decision.records(in: frame.span.bytes)
}

extension DecisionRecords {
    /// The second frame so far.
    var frame: [UInt8] { bytes.indices.map { bytes[$0] } }
}

/// Whether bytes are a stream id.
func isStreamID(_ bytes: [UInt8]) -> Bool {
    StreamID.isValid(bytes.span)
}

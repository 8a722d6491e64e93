/// How timesteps are written at an ingest endpoint.
public enum IngestCodec: String, CaseIterable, Codable, Sendable {
    /// Frames of float32: ``Timesteps`` and ``TimestepHeader``.
    case binary
    /// One JSON object: ``ParsedTimesteps``.
    case json
    /// A line of words: ``ParsedTimesteps``.
    case text
}

/// How decisions are written at the decisions endpoint.
public enum DecisionCodec: String, CaseIterable, Codable, Sendable {
    /// Records: ``DecisionRecords``.
    case binary
    /// One JSON object for each decision: ``Decision/appendJSON(stream:to:)``.
    case json
}

extension IngestCodec {
    /// The codec of the same name.
    ///
    /// - Parameter codec: That of the decisions.
    public init(_ codec: DecisionCodec) {
        self =
            switch codec {
            case .binary: .binary
            case .json: .json
            }
    }
}

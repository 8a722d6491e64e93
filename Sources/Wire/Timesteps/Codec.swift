/// The encoding of timesteps at an ingest endpoint.
public enum IngestCodec: String, CaseIterable, Codable, Sendable {
    /// Frames of float32 values: ``Timesteps`` and ``TimestepHeader``.
    case binary
    /// One JSON object: ``ParsedTimesteps``.
    case json
    /// A line of space-separated words: ``ParsedTimesteps``.
    case text
    /// Columns with timesteps of many streams: ``BatchLayout``.
    case batch
}

/// The encoding of decisions at the decisions endpoint.
public enum DecisionCodec: String, CaseIterable, Codable, Sendable {
    /// Binary records: ``DecisionRecords``.
    case binary
    /// One JSON object per decision: ``Decision/appendJSON(stream:to:)``.
    case json
    /// Columns with the decisions of many streams: ``DecisionBatch``.
    case batch
}

extension IngestCodec {
    /// Creates the ingest codec that has the same name as a decision codec.
    ///
    /// - Parameter codec: The codec of the decisions.
    public init(_ codec: DecisionCodec) {
        self =
            switch codec {
            case .binary: .binary
            case .json: .json
            case .batch: .batch
            }
    }
}

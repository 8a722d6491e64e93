public import Wire

/// What one row of the input says: timesteps of one stream.
public struct Reading: Equatable, Sendable {
    /// The stream's id.
    public var stream: String
    /// The timesteps' values one after another, shape (timesteps, values).
    public var values: [Float]
    /// How many timesteps these are.
    public var timesteps: Int
    /// The number of the first within its stream; 0: the daemon counts on.
    public var sequence: UInt64
    /// Whether a sequence starts or ends here.
    public var flags: TimestepHeader.Flags
    /// Whether the values are numbers of tokens, which are sent as such.
    var areTokens = false

    /// Creates a reading.
    ///
    /// - Parameters:
    ///   - stream: The stream's id.
    ///   - values: The timesteps' values one after another.
    ///   - timesteps: How many timesteps these are.
    ///   - sequence: The number of the first within its stream; 0: the daemon counts on.
    ///   - flags: Whether a sequence starts or ends here.
    public init(
        stream: String, values: [Float], timesteps: Int = 1, sequence: UInt64 = 0, flags: TimestepHeader.Flags = []
    ) {
        self.stream = stream
        self.values = values
        self.timesteps = timesteps
        self.sequence = sequence
        self.flags = flags
    }
}

/// Which of a row's fields mean what. One documented set of options, used by the command line and the readers alike.
public struct ReadingLayout: Equatable, Sendable {
    /// How the rows are written.
    public enum Format: String, CaseIterable, Sendable {
        /// Comma-separated values, their names in the first row.
        case csv
        /// One JSON object a line.
        case jsonl
    }

    /// How the rows are written; nil: JSON lines where the first byte that is not blank is `{`, else CSV.
    public var format: Format?
    /// The stream that all rows belong to.
    public var stream: String?
    /// The column, or member, that names each row's stream.
    public var streamColumn: String?
    /// The columns, or members, with the values of one timestep in the model's order; nil: all columns that are neither
    /// the stream's nor the sequence's, or the member `values`.
    public var valueColumns: [String]?
    /// The column, or member, that is the same over all timesteps of a sequence.
    public var sequenceColumn: String?

    /// Creates a layout.
    ///
    /// - Parameters:
    ///   - format: How the rows are written; nil: seen from the first byte.
    ///   - stream: The stream that all rows belong to.
    ///   - streamColumn: The column that names each row's stream.
    ///   - valueColumns: The columns with the values, in the model's order.
    ///   - sequenceColumn: The column that is the same over all timesteps of a sequence.
    /// - Throws: ``ClientError`` with the status `usage` where these contradict one another.
    public init(
        format: Format? = nil, stream: String? = nil, streamColumn: String? = nil, valueColumns: [String]? = nil,
        sequenceColumn: String? = nil
    ) throws(ClientError) {
        guard stream == nil || streamColumn == nil else {
            throw ClientError(.usage, "give --stream or --stream-column, not both")
        }
        if let stream { try Self.check(stream) }
        self.format = format
        self.stream = stream
        self.streamColumn = streamColumn
        self.valueColumns = valueColumns
        self.sequenceColumn = sequenceColumn
    }

    private static func check(_ stream: String) throws(ClientError) {
        guard StreamID.isValid(stream) else { throw ClientError(.usage, "--stream: \(notAnID(stream))") }
    }

    static func notAnID(_ text: String) -> String {
        "'\(text)' is no stream id: 1 to \(StreamID.maximumLength) bytes without control characters, not beginning "
            + "with \(StreamID.reservedPrefix)"
    }
}

/// Where sequences start: a change of a column's value within one stream.
struct SequenceStarts {
    private var last: [StreamKey: [UInt8]] = [:]

    /// Whether a sequence starts with this row: the stream's first, or one whose value differs from the row before.
    mutating func isStart(stream: String, value: [UInt8]) -> Bool {
        let key = StreamKey(stream)
        guard last[key] != value else { return false }
        last[key] = value
        return true
    }
}

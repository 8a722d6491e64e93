public import Wire

/// One row of the input: timesteps of one stream.
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
    /// The label that the sequence should get, where the row tells and it was asked for.
    public var label: Float?
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
    /// The column, or member, that names each row's stream; nil, and no ``stream``: the one named `stream`.
    public var streamColumn: String?
    /// The columns, or members, with the values of one timestep in the model's order; nil: all columns that have no
    /// other meaning and no name of ``isNoValue(_:)``, or the member `values`.
    public var valueColumns: [String]?
    /// The column, or member, that is the same over all timesteps of a sequence.
    public var sequenceColumn: String?
    /// The column, or member, with the label that the row's sequence should get; nil: labels are not read.
    public var label: Label?
    /// The letters in which one column has a whole sequence of tokens in each row; nil: a row has values. CSV only.
    public var alphabet: Alphabet?

    /// The place of labels.
    public struct Label: Equatable, Sendable {
        /// The column, or member.
        public var name: String
        /// Whether rows without it are wrong.
        public var isRequired: Bool

        /// Names the column.
        ///
        /// - Parameters:
        ///   - name: The column, or member.
        ///   - isRequired: Whether rows without it are wrong.
        public init(_ name: String, isRequired: Bool) {
            self.name = name
            self.isRequired = isRequired
        }
    }

    static let usualStreamColumn = "stream"

    /// Whether a column of this name, as a file of answers or of labelled data has it, holds no values unless it is
    /// named as one that does: `stream`, `step`, `label`, `probability`, `probability0` and so on.
    static func isNoValue(_ column: String) -> Bool {
        [usualStreamColumn, "step", "label"].contains(column)
            || column.hasPrefix("probability") && column.dropFirst(11).allSatisfy(\.isNumber)
    }

    /// Creates a layout.
    ///
    /// - Parameters:
    ///   - format: How the rows are written; nil: seen from the first byte.
    ///   - stream: The stream that all rows belong to.
    ///   - streamColumn: The column that names each row's stream.
    ///   - valueColumns: The columns with the values, in the model's order.
    ///   - sequenceColumn: The column that is the same over all timesteps of a sequence.
    ///   - label: The column with the labels.
    ///   - alphabet: The letters in which each row has a whole sequence.
    /// - Throws: ``ClientError`` with the status `usage` where these contradict one another.
    public init(
        format: Format? = nil, stream: String? = nil, streamColumn: String? = nil, valueColumns: [String]? = nil,
        sequenceColumn: String? = nil, label: Label? = nil, alphabet: Alphabet? = nil
    ) throws(ClientError) {
        guard stream == nil || streamColumn == nil else {
            throw ClientError(.usage, "give --stream or --stream-column, not both")
        }
        if alphabet != nil {
            guard sequenceColumn == nil, valueColumns?.count ?? 1 == 1 else {
                throw ClientError(
                    .usage, "with --alphabet each row is a sequence: give --values one column, and no --sequence-by")
            }
        }
        if let stream { try Self.check(stream) }
        self.format = format
        self.stream = stream
        self.streamColumn = streamColumn
        self.valueColumns = valueColumns
        self.sequenceColumn = sequenceColumn
        self.label = label
        self.alphabet = alphabet
    }

    private static func check(_ stream: String) throws(ClientError) {
        guard StreamID.isValid(stream) else { throw ClientError(.usage, "--stream: \(notAnID(stream))") }
    }

    static func notAnID(_ text: String) -> String {
        "'\(text)' is no stream id: 1 to \(StreamID.maximumLength) bytes without control characters, not beginning "
            + "with \(StreamID.reservedPrefix)"
    }
}

extension Reading {
    /// Refuses timesteps that a model cannot take.
    ///
    /// - Parameters:
    ///   - features: Values in one of the model's timesteps.
    ///   - vocabulary: How many tokens there are, where a timestep is a token.
    ///   - place: Where the row stands, for messages.
    /// - Throws: ``ClientError`` with the status `data`.
    func check(features: Int, vocabulary: Int?, place: String) throws(ClientError) {
        let count = values.count / max(1, timesteps)
        guard count == features else {
            throw ClientError(
                .data,
                "\(place): \(Quantity.count(count, of: "value")) a timestep, where the model of the stream "
                    + "'\(stream)' takes \(features)")
        }
        guard let vocabulary else { return }
        for value in values where value != value.rounded() || value < 0 || value >= Float(vocabulary) {
            throw ClientError(
                .data, "\(place): \(value) is no token: the model takes whole numbers from 0 to \(vocabulary - 1)")
        }
    }
}

/// The start of sequences: a change of a column's value within one stream.
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

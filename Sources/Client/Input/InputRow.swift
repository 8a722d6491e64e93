package import Wire

/// One row of the input: timesteps of one stream.
package struct InputRow: Equatable, Sendable {
    /// The stream's id.
    package var stream: String
    /// The timesteps' values, shape (timesteps, values).
    package var values: [Float]
    /// The number of timesteps.
    package var timesteps: Int
    /// The number of the first timestep within its stream. With 0, the daemon continues its own count.
    package var sequence: UInt64
    /// The marks for the start and end of a sequence.
    package var flags: TimestepHeader.Flags
    /// The expected label of the sequence, if requested and present.
    package var label: Float?
    /// The value of the column that identifies the row's sequence, if there is such a column.
    var sequenceName: String?
    /// Whether the values are tokens, which are sent as such.
    var areTokens = false

    /// Creates a row.
    ///
    /// - Parameters:
    ///   - stream: The stream's id.
    ///   - values: The timesteps' values.
    ///   - timesteps: The number of timesteps.
    ///   - sequence: The number of the first timestep within its stream. With 0, the daemon continues its own count.
    ///   - flags: The marks for the start and end of a sequence.
    package init(
        stream: String, values: [Float], timesteps: Int = 1, sequence: UInt64 = 0, flags: TimestepHeader.Flags = []
    ) {
        self.stream = stream
        self.values = values
        self.timesteps = timesteps
        self.sequence = sequence
        self.flags = flags
    }
}

/// The meaning of a row's fields. The command line and all readers use these options.
package struct RowLayout: Equatable, Sendable {
    /// The format of the rows.
    package enum Format: String, CaseIterable, Sendable {
        /// Comma-separated values with their names in the first row.
        case csv
        /// One JSON object per line.
        case jsonl
    }

    /// The format of the rows; nil for JSON lines if the first byte that is not blank is `{`, else CSV.
    package var format: Format?
    /// The stream of all rows.
    package var stream: String?
    /// The column or member that names each row's stream. If neither this nor ``stream`` is set, rows use the column
    /// named `stream`.
    package var streamColumn: String?
    /// The columns or members with the values of one timestep in the model's order. Nil for the member `values`, or for
    /// all columns that have no other meaning and no name that ``isNoValue(_:)`` excludes.
    package var valueColumns: [String]?
    /// The column or member with a constant value per sequence.
    package var sequenceColumn: String?
    /// The column or member with the expected label of the row's sequence; nil to read no labels.
    package var label: Label?
    /// Whether the first record of CSV names the columns. If not, they are called 1, 2 and so on.
    package var hasHeader: Bool
    /// Whether a wrong row is skipped and counted. If not, it ends the input.
    package var skipsBadRows: Bool
    /// The letters of the column that holds a whole sequence of tokens in each row; nil if rows have values. CSV only.
    package var alphabet: Alphabet?

    /// The place of the labels.
    package struct Label: Equatable, Sendable {
        /// The column or member.
        package var name: String
        /// Whether a row without a label is wrong.
        package var isRequired: Bool

        /// Creates the place of the labels.
        ///
        /// - Parameters:
        ///   - name: The column or member.
        ///   - isRequired: Whether a row without a label is wrong.
        package init(_ name: String, isRequired: Bool) {
            self.name = name
            self.isRequired = isRequired
        }
    }

    static let usualStreamColumn = "stream"

    /// Whether a column with this name holds no values unless it is named explicitly. Files of answers and labelled
    /// data have such columns: `stream`, `step`, `label`, `probability`, `probability0` and so on.
    static func isNoValue(_ column: String) -> Bool {
        [usualStreamColumn, "step", "label"].contains(column)
            || column.hasPrefix("probability") && column.dropFirst(11).allSatisfy(\.isNumber)
    }

    /// Creates a layout.
    ///
    /// - Parameters:
    ///   - format: The format of the rows; nil to detect it from the first byte.
    ///   - stream: The stream of all rows.
    ///   - streamColumn: The column that names each row's stream.
    ///   - valueColumns: The columns with the values, in the model's order.
    ///   - sequenceColumn: The column with a constant value per sequence.
    ///   - label: The column with the labels.
    ///   - alphabet: The letters of the column with whole sequences.
    ///   - hasHeader: Whether the first record of CSV names the columns.
    ///   - skipsBadRows: Whether a wrong row is skipped and counted.
    /// - Throws: ``ClientError`` with the status `usage` if the options contradict each other.
    package init(
        format: Format? = nil, stream: String? = nil, streamColumn: String? = nil, valueColumns: [String]? = nil,
        sequenceColumn: String? = nil, label: Label? = nil, alphabet: Alphabet? = nil,
        hasHeader: Bool = true, skipsBadRows: Bool = false
    ) throws(ClientError) {
        guard stream == nil || streamColumn == nil else {
            throw ClientError(.usage, "give --stream or --stream-column, not both")
        }
        if alphabet != nil {
            guard sequenceColumn == nil, valueColumns?.count ?? 1 == 1 else {
                throw ClientError(
                    .usage, "with --alphabet each row is a sequence: give one column with --values and no --sequence-by"
                )
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
        self.hasHeader = hasHeader
        self.skipsBadRows = skipsBadRows
    }

    private static func check(_ stream: String) throws(ClientError) {
        guard StreamID.isValid(stream) else { throw ClientError(.usage, "--stream: \(notAnID(stream))") }
    }

    static func notAnID(_ text: String) -> String {
        "'\(text)' is not a stream id: 1 to \(StreamID.maximumLength) bytes without control characters and "
            + "without a leading \(StreamID.reservedPrefix)"
    }
}

extension InputRow {
    /// Checks that a model can take the timesteps.
    ///
    /// - Parameters:
    ///   - features: Values in one of the model's timesteps.
    ///   - vocabulary: The size of the vocabulary, if a timestep is a token.
    ///   - place: The position of the row, for messages.
    /// - Throws: ``ClientError`` with the status `data`.
    func check(features: Int, vocabulary: Int?, place: String) throws(ClientError) {
        let count = values.count / max(1, timesteps)
        guard count == features else {
            throw ClientError(
                .data,
                "\(place): \(Quantity.count(count, of: "value")) in a timestep, but the model of the stream "
                    + "'\(stream)' takes \(features)")
        }
        guard let vocabulary else { return }
        for value in values where value != value.rounded() || value < 0 || value >= Float(vocabulary) {
            throw ClientError(
                .data, "\(place): \(value) is not a token: the model takes whole numbers from 0 to \(vocabulary - 1)")
        }
    }
}

/// Detects the start of sequences: a change of a column's value within one stream.
struct SequenceStarts {
    private var last: [StreamKey: [UInt8]] = [:]

    /// Records a row, and returns whether a sequence starts with it: the stream's first row, or a row whose value
    /// differs from the previous one.
    mutating func record(stream: String, value: [UInt8]) -> Bool {
        let key = StreamKey(stream)
        guard last[key] != value else { return false }
        last[key] = value
        return true
    }
}

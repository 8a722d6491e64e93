import Wire

/// The meaning of a row's fields. The command line sets these options, and all readers follow them.
package struct RowLayout: Equatable, Sendable {
    /// The format of the rows.
    package enum Format: String, CaseIterable, Sendable {
        /// Comma-separated values, with column names in the first row.
        case csv
        /// One row of JSON per line.
        case jsonl
        /// A JSON array of rows.
        case json
        /// A NumPy array.
        case npy
    }

    /// The format of the rows; nil to detect it. JSON lines begin with `{`, a JSON array with `[`, and a NumPy array
    /// with its magic bytes. All other data is CSV.
    package var format: Format?
    /// The stream of all rows.
    package var stream: String?
    /// The column or member that names each row's stream. If neither this nor ``stream`` is set, rows use the column
    /// named `stream`.
    package var streamColumn: String?
    /// The columns or members with the values of one timestep, in the model's order. If nil, the values are in the JSON
    /// member `values`, or in all CSV columns that have no other meaning and are not excluded by ``isNoValue(_:)``.
    package var valueColumns: [String]?
    /// The column or member whose value identifies a row's sequence.
    package var sequenceColumn: String?
    /// The column or member with the expected label of the row's sequence; nil to read no labels.
    package var label: Label?
    /// The column or member with the weight of the row's sequence in training; nil to read no weights.
    package var weightColumn: String?
    /// Whether the first CSV record names the columns. If not, the columns are called 1, 2 and so on.
    package var hasHeader: Bool
    /// Whether a bad row is skipped and counted. If not, it ends the input.
    package var skipsBadRows: Bool
    /// Whether each row is a whole sequence. The model determines how the values are grouped into timesteps.
    package var isWide: Bool
    /// Whether sequences get the ids 1, 2 and so on if the input names no stream. This applies to files whose rows are
    /// whole sequences.
    package var numbersSequences: Bool
    /// Whether all models take tokens, so that a NumPy array has no feature axis.
    package var takesTokens = false
    /// The alphabet of the CSV column that holds a whole sequence of tokens as letters; nil if rows have values.
    package var alphabet: Alphabet?

    /// The column or member that holds the labels.
    package struct Label: Equatable, Sendable {
        /// The column or member.
        package var name: String
        /// Whether a row without a label is bad.
        package var isRequired: Bool

        /// Creates a description of the labels.
        ///
        /// - Parameters:
        ///   - name: The column or member.
        ///   - isRequired: Whether a row without a label is bad.
        package init(_ name: String, isRequired: Bool) {
            self.name = name
            self.isRequired = isRequired
        }
    }

    static let usualStreamColumn = "stream"

    /// Returns whether a column with this name is left out of the values unless the user names it. Files with answers
    /// or labels have such columns: `stream`, `step`, `label`, `probability`, `probability0` and so on.
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
    ///   - sequenceColumn: The column whose value identifies a row's sequence.
    ///   - label: The column with the labels.
    ///   - alphabet: The alphabet, if a column holds whole sequences as letters.
    ///   - hasHeader: Whether the first CSV record names the columns.
    ///   - skipsBadRows: Whether a bad row is skipped and counted.
    ///   - isWide: Whether each row is a whole sequence.
    ///   - numbersSequences: Whether sequences get the ids 1, 2 and so on if the input names no stream.
    /// - Throws: ``ClientError`` with the status `usage` if the options contradict each other.
    package init(
        format: Format? = nil, stream: String? = nil, streamColumn: String? = nil, valueColumns: [String]? = nil,
        sequenceColumn: String? = nil, label: Label? = nil, alphabet: Alphabet? = nil,
        hasHeader: Bool = true, skipsBadRows: Bool = false, isWide: Bool = false, numbersSequences: Bool = false
    ) throws(ClientError) {
        guard stream == nil || streamColumn == nil else {
            throw ClientError(.usage, "give --stream or --stream-column, not both")
        }
        if alphabet != nil {
            guard !isWide else {
                throw ClientError(.usage, "give --alphabet or --wide, not both: with --alphabet each row is a sequence")
            }
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
        self.isWide = isWide
        self.numbersSequences = numbersSequences
    }

    /// Returns the stream of a sequence for which the input names no stream.
    ///
    /// - Parameter number: The position of the sequence in the input, counted from 1.
    /// - Returns: The stream; nil if the layout does not determine one either.
    func stream(ofSequence number: Int) -> String? { stream ?? (numbersSequences ? "\(number)" : nil) }

    private static func check(_ stream: String) throws(ClientError) {
        guard StreamID.isValid(stream) else { throw ClientError(.usage, "--stream: \(notAnID(stream))") }
    }

    static func notAnID(_ text: String) -> String {
        "'\(text)' is not a stream id: 1 to \(StreamID.maximumLength) bytes without control characters and "
            + "without a leading \(StreamID.reservedPrefix)"
    }
}

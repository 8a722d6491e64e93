import ArgumentParser
package import Client

/// The options for the meaning of a file's rows. Every command that reads data has these options.
struct RowOptions: ParsableArguments {
    /// The usual extensions of data files.
    static let extensions = ["csv", "tsv", "txt", "json", "jsonl", "ndjson", "npy", "gz"]

    @Option(
        help: ArgumentHelp(
            "csv, jsonl, json (an array of rows) or npy (default: jsonl after {, json after [, npy after its mark, else "
                + "csv).", valueName: "format"))
    var format: RowLayout.Format?

    @Option(
        help: ArgumentHelp(
            "The stream of all rows (default: none, each row names its stream).", valueName: "id"))
    var stream: String?

    @Option(help: ArgumentHelp("The column that names each row's stream (default: stream).", valueName: "column"))
    var streamColumn: String?

    @Option(
        help: ArgumentHelp(
            "The columns with a timestep's values in the model's order, such as a,b,c; with --wide, those of a sequence "
                + "(default: all columns except those of other options, stream, step, label, probability, probability0 …; "
                + "in JSON the member values).",
            valueName: "columns"))
    var values: String?

    @Option(
        help: ArgumentHelp(
            "The column that identifies a sequence. When it changes within a stream, and at the stream's first row, "
                + "another sequence starts from the zero state (default: none).", valueName: "column"))
    var sequenceBy: String?

    @Flag(
        help: """
            Each row is a whole sequence: the values of its first timestep, then those of the next one, and so on. The \
            model determines how many values a timestep has. Empty fields at the end of a row make its sequence shorter.
            """)
    var wide = false

    @Flag(help: "CSV has no header: the columns are called 1, 2 and so on.")
    var noHeader = false

    @Option(
        help: ArgumentHelp("Skip a wrong row and count it, or stop at it: skip or stop.", valueName: "action"))
    var onBadRow = BadRowAction.stop

    /// Returns the layout from the options.
    ///
    /// - Parameters:
    ///   - label: The column with the labels, for commands that read labels.
    ///   - alphabet: The alphabet, for commands that read whole sequences as letters.
    ///   - numbersSequences: Whether sequences without a stream get the ids 1, 2 and so on.
    /// - Returns: The layout.
    /// - Throws: ``ClientError`` if the options contradict each other.
    func layout(
        label: RowLayout.Label? = nil, alphabet: Alphabet? = nil, numbersSequences: Bool = false
    ) throws(ClientError) -> RowLayout {
        let columns = values.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        return try RowLayout(
            format: format, stream: stream, streamColumn: streamColumn, valueColumns: columns,
            sequenceColumn: sequenceBy, label: label, alphabet: alphabet, hasHeader: !noHeader,
            skipsBadRows: onBadRow == .skip, isWide: wide, numbersSequences: numbersSequences)
    }
}

/// The treatment of a bad row.
enum BadRowAction: String, CaseIterable, ExpressibleByArgument {
    case skip, stop
}

extension RowLayout.Format: ExpressibleByArgument {}

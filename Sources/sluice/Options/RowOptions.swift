import ArgumentParser
package import Client

/// The options for the meaning of a file's rows. Every command that reads data has them.
struct RowOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("csv or jsonl (default: jsonl if the first byte is {, else csv).", valueName: "format"))
    var format: RowLayout.Format?

    @Option(
        help: ArgumentHelp(
            "The stream of all rows (default: none, each row names its stream).", valueName: "id"))
    var stream: String?

    @Option(help: ArgumentHelp("The column that names each row's stream (default: stream).", valueName: "column"))
    var streamColumn: String?

    @Option(
        help: ArgumentHelp(
            "The columns with a timestep's values in the model's order, such as a,b,c (default: all columns except those "
                + "of other options, stream, step, label, probability, probability0 …; for JSON lines the member values).",
            valueName: "columns"))
    var values: String?

    @Option(
        help: ArgumentHelp(
            "The column that identifies a sequence. When it changes within a stream, and at the stream's first row, "
                + "another sequence starts from the zero state (default: none).", valueName: "column"))
    var sequenceBy: String?

    @Flag(help: "CSV has no header: the columns are called 1, 2 and so on.")
    var noHeader = false

    @Option(
        help: ArgumentHelp("Skip a wrong row and count it, or stop at it: skip or stop.", valueName: "action"))
    var onBadRow = BadRowAction.stop

    /// Returns the layout from the options.
    ///
    /// - Parameters:
    ///   - label: The column with the labels, for commands that read labels.
    ///   - alphabet: The letters of the column with whole sequences, for commands that read them.
    /// - Returns: The layout.
    /// - Throws: ``ClientError`` if the options contradict each other.
    func layout(label: RowLayout.Label? = nil, alphabet: Alphabet? = nil) throws(ClientError) -> RowLayout {
        let columns = values.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        return try RowLayout(
            format: format, stream: stream, streamColumn: streamColumn, valueColumns: columns,
            sequenceColumn: sequenceBy, label: label, alphabet: alphabet, hasHeader: !noHeader,
            skipsBadRows: onBadRow == .skip)
    }
}

/// The treatment of a wrong row.
enum BadRowAction: String, CaseIterable, ExpressibleByArgument {
    case skip, stop
}

extension RowLayout.Format: ExpressibleByArgument {}

public import ArgumentParser
public import Client

/// How a file's rows say their timesteps: the options of every command that reads data.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("csv or jsonl (default: jsonl where the first byte is {, else csv).", valueName: "format"))
    var format: ReadingLayout.Format?

    @Option(
        help: ArgumentHelp(
            "The stream that all rows belong to (default: none, each row names its own).", valueName: "id"))
    var stream: String?

    @Option(help: ArgumentHelp("The column that names each row's stream (default: stream).", valueName: "column"))
    var streamColumn: String?

    @Option(
        help: ArgumentHelp(
            "The columns with a timestep's values, in the model's order, as a,b,c (default: all but those named above "
                + "and below, stream, step, label, probability, probability0 …; for JSON lines the member values).",
            valueName: "columns"))
    var values: String?

    @Option(
        help: ArgumentHelp(
            "The column that is the same over all timesteps of a sequence: where it changes within a stream, and at "
                + "the stream's first row, the state starts anew (default: none).", valueName: "column"))
    var sequenceBy: String?

    /// What the options say together.
    ///
    /// - Parameters:
    ///   - label: The column with the labels, for commands that read labels.
    ///   - alphabet: The letters in which each row has a sequence, for commands that read such.
    /// - Returns: What a reader needs to know.
    /// - Throws: ``ClientError`` where the options contradict one another.
    func layout(label: ReadingLayout.Label? = nil, alphabet: Alphabet? = nil) throws(ClientError) -> ReadingLayout {
        let columns = values.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        return try ReadingLayout(
            format: format, stream: stream, streamColumn: streamColumn, valueColumns: columns,
            sequenceColumn: sequenceBy, label: label, alphabet: alphabet)
    }
}

extension ReadingLayout.Format: ExpressibleByArgument {}

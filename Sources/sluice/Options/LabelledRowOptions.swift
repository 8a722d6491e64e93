import ArgumentParser
import Client

/// The options for the rows of a file with labels.
struct LabelledRowOptions: ParsableArguments {
    @OptionGroup var rowOptions: RowOptions

    @Option(
        help: ArgumentHelp(
            "The column with each sequence's label (default: label, if there is one).",
            valueName: "column"))
    var label: String?

    @Option(
        help: ArgumentHelp(
            "A file with one label for each sequence in their order: an array of NumPy, a JSON array or lines (default: "
                + "none).", valueName: "file"),
        completion: .file(extensions: ["npy", "json", "txt", "gz"]))
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "The letters of the tokens, in the tokens' order: with ACGT, A is 1 and T is 4. Each row of a CSV file is "
                + "then a whole sequence, with its letters in the column sequence or the column of --values. Without a "
                + "column stream, the row number names the sequence (default: none, the values are numbers).",
            valueName: "letters"))
    var alphabet: String?

    @Option(
        help: ArgumentHelp(
            "The token of the alphabet's first letter. With 1, the token 0 is free for padding.", valueName: "token"))
    var firstToken = 1

    func validate() throws {
        if label != nil, labels != nil { throw ValidationError("give --label or --labels, not both") }
    }

    /// Returns the layout of the file.
    ///
    /// - Parameter weight: The column with the training weights; nil to read no weights.
    /// - Returns: The layout.
    /// - Throws: ``ClientError`` if the options contradict each other.
    func layout(weight: String? = nil) throws(ClientError) -> RowLayout {
        var layout = try rowOptions.layout(
            label: RowLayout.Label(label ?? "label", isRequired: label != nil),
            alphabet: try alphabet.map { letters throws(ClientError) in
                try Alphabet(letters, firstToken: firstToken)
            }, numbersSequences: true)
        layout.weightColumn = weight
        return layout
    }

    /// Reads the labels, if they are in a separate file.
    func labelFile() throws(ClientError) -> LabelFile? {
        try labels.map { path throws(ClientError) in try LabelFile(try InputFile(path: path)) }
    }
}

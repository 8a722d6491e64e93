import ArgumentParser
package import Client
import FoundationEssentials
import ModelFiles

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Answer the sequences of a file offline, with the daemon's engine.",
        discussion: """
            The rows of one stream are one sequence, answered from the zero state; rows of other streams may lie between \
            them. --sequence-by, or "start" and "end" in JSON lines, divide a stream into several sequences. A sequence \
            longer than the model's input is refused; a shorter one is answered as it is.

            The output follows the order of the sequences' first rows and has these columns: stream; step, the number of \
            timesteps behind the answer; probability, or probability0, probability1 … for several outputs; label, the \
            decided class: 1 if the probability is at least 0.5, or the index of the largest.

            If rows have labels, the command reports loss and accuracy over the last answers as Keras' evaluate does: \
            binary cross-entropy for one sigmoid, sparse categorical cross-entropy for a softmax. A sequence's label is \
            the label of its last row.

            The command reads the whole input before it writes the first answer, and needs about 4 bytes of memory per \
            value. If a row is wrong, it writes nothing.

              sluice predict model2.keras --input power_test.csv > answers.csv
              sluice predict model4.keras --input splice_test.csv --alphabet ACGT --summary
            """)

    @Argument(help: "The model file: .keras, .h5 or .safetensors.")
    var model: String

    @Option(help: ArgumentHelp("The file with the sequences; - for standard input.", valueName: "file"))
    var input = "-"

    @OptionGroup var rowOptions: RowOptions

    @Option(
        help: ArgumentHelp(
            "The column with each sequence's label (default: label, if there is one).",
            valueName: "column"))
    var label: String?

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

    @Flag(help: "Write the answer after every timestep, not only after each sequence.")
    var every = false

    @Option(help: ArgumentHelp("The output format: csv, or json for one object per line.", valueName: "format"))
    var outputFormat = PredictionText.csv

    @Flag(help: "Write loss and accuracy to standard output instead of answers.")
    var summary = false

    @Flag(name: .shortAndLong, help: "Write only results: no progress and no closing line.")
    var quiet = false

    @Option(help: ArgumentHelp("The number of threads (default: one per core).", valueName: "threads"))
    var jobs: Int?

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be 1 to 1024 threads") }
        if every, summary { throw ValidationError("give --every or --summary, not both") }
    }

    func run() throws {
        let layout = try rowOptions.layout(
            label: RowLayout.Label(label ?? "label", isRequired: label != nil),
            alphabet: try alphabet.map { letters throws(ClientError) in
                try Alphabet(letters, firstToken: firstToken)
            })
        let file = try ModelFile.readForTool(model)
        let options = Prediction.Options(
            layout: layout, answers: every ? .every : .last, text: outputFormat, isSummaryOnly: summary,
            isQuiet: quiet, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        // A stateful model is called for a few timesteps at a time, so that its input's length is not a limit.
        let longest = file.isStateful ? nil : file.sequenceLength
        try Prediction(try InputFile(path: input), model: file.model, longest: longest, options: options).run()
    }
}

extension PredictionText: ExpressibleByArgument {
    /// Creates a format from its name, or from `jsonl`, the other commands' name for JSON lines.
    package init?(argument: String) {
        self.init(rawValue: argument == "jsonl" ? "json" : argument)
    }
}

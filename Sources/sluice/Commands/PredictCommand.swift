public import ArgumentParser
public import Client
import FoundationEssentials
import ModelFiles

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Answer the sequences of a file offline: the daemon's engine without the daemon.",
        discussion: """
            The rows of one stream in their order are one sequence, answered from the zero state; rows of other streams \
            may stand between them. With --sequence-by, and by "start" and "end" in JSON lines, a stream has several. \
            One longer than the input that the model was built for is refused, a shorter one is answered as it is.

            Written are, in the order of the sequences' first rows: stream; step, the number of timesteps that it is the \
            answer to; probability, or probability0, probability1 … of several outputs; label, the class decided on: 1 \
            from 0.5 on, or the index of the largest.

            Where rows have a label, loss and accuracy over the last answers are told as Keras' evaluate tells them: \
            binary cross-entropy for one sigmoid, sparse categorical cross-entropy for a softmax. A sequence's label is \
            that of its last row.

            The whole input is read before the first answer is written, with about 4 bytes of memory a value; where a \
            row is wrong, nothing is written.

              sluice predict model2.keras --input power_test.csv > answers.csv
              sluice predict model4.keras --input splice_test.csv --alphabet ACGT --summary
            """)

    @Argument(help: "A model: .keras, .h5 or .safetensors.")
    var model: String

    @Option(help: ArgumentHelp("The file with the sequences; -: standard input.", valueName: "file"))
    var input = "-"

    @OptionGroup var reading: ReadingOptions

    @Option(
        help: ArgumentHelp(
            "The column with each sequence's label (default: label, where there is one).",
            valueName: "column"))
    var label: String?

    @Option(
        help: ArgumentHelp(
            "The letters that tokens are written in, in the tokens' order: with ACGT, A is 1 and T is 4. Each row of a "
                + "CSV file is then a whole sequence, its letters in the column sequence, or that of --values; without "
                + "a column stream it is named by its number (default: none, the values are numbers).",
            valueName: "letters"))
    var alphabet: String?

    @Option(
        help: ArgumentHelp(
            "The token of the alphabet's first letter; with 1, 0 is left for padding.", valueName: "token"))
    var firstToken = 1

    @Flag(help: "Write the answer after every timestep, not only the last of each sequence.")
    var every = false

    @Option(help: ArgumentHelp("How to write: csv or json, one object a line.", valueName: "format"))
    var outputFormat = PredictionText.csv

    @Flag(help: "Write loss and accuracy to standard output, and no answers.")
    var summary = false

    @Flag(name: .shortAndLong, help: "Write nothing but results: no progress, no closing line.")
    var quiet = false

    @Option(help: ArgumentHelp("How many threads share the work (default: one for each core).", valueName: "threads"))
    var jobs: Int?

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be 1 to 1024 threads") }
        if every, summary { throw ValidationError("give --every or --summary, not both") }
    }

    func run() throws {
        let layout = try reading.layout(
            label: ReadingLayout.Label(label ?? "label", isRequired: label != nil),
            alphabet: try alphabet.map { letters throws(ClientError) in
                try Alphabet(letters, firstToken: firstToken)
            })
        let file = try ModelFile.readForTool(model)
        let options = Prediction.Options(
            layout: layout, answers: every ? .every : .last, text: outputFormat, isSummaryOnly: summary,
            isQuiet: quiet, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        // A stateful model is called for a few timesteps at a time, so its input's length is no bound.
        let longest = file.isStateful ? nil : file.sequenceLength
        try Prediction(try InputFile(path: input), model: file.model, longest: longest, options: options).run()
    }
}

extension PredictionText: ExpressibleByArgument {
    /// A format by its name, or `jsonl`, which is what the other commands call JSON lines.
    public init?(argument: String) {
        self.init(rawValue: argument == "jsonl" ? "json" : argument)
    }
}

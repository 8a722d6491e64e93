import ArgumentParser
package import Client

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Answer the sequences of a file offline, with the daemon's engine.",
        discussion: """
            The rows of one stream are one sequence, answered from the zero state; rows of other streams may lie between \
            them. --sequence-by, or "start" and "end" in JSON lines, divide a stream into several sequences. A sequence \
            longer than the model's input is refused; a shorter one is answered as it is. With --wide, each row is a whole \
            sequence; in an array of NumPy, each element of the first of three axes. Sequences without a stream are called \
            1, 2, … The command pipe describes all forms of data.

            The output follows the order of the sequences' first rows and has these columns: stream; with --sequence-by, \
            sequence, the sequence's name; step, the number of timesteps behind the answer; probability, or probability0, \
            probability1 … for several outputs; label, the decided class: 1 if the probability is at least the threshold, \
            or the index of the largest.

            If rows have labels, the command reports loss and accuracy over the last answers as Keras' evaluate does. A \
            sequence's label is the label of its last row. --summary does the same as the command evaluate.

            The command reads the whole input before it writes the first answer, and needs about 4 bytes of memory per \
            value. If a row is wrong, it writes nothing.

              sluice predict model2.keras power_test.csv > answers.csv
              sluice predict model1.keras trips.csv --sequence-by trip --values ax,ay
              sluice predict model1.keras x_test.npy
            """)

    @OptionGroup var options: PredictOptions

    @Flag(help: "Write the answer after every timestep, not only after each sequence.")
    var every = false

    @Option(help: ArgumentHelp("The output format: csv, or json for one object per line.", valueName: "format"))
    var outputFormat = PredictionText.csv

    @Flag(help: "The same as --output-format json, with exact numbers also in a summary.")
    var json = false

    @Flag(help: "Write an evaluation to standard output instead of answers.")
    var summary = false

    func validate() throws {
        if every, summary { throw ValidationError("give --every or --summary, not both") }
        if every, options.mode != nil { throw ValidationError("give --every or --mode, not both") }
    }

    func run() throws {
        try options.run(every: every, text: json ? .json : outputFormat, isSummaryOnly: summary)
    }
}

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure loss, accuracy, AUC and confusions of a model on a file with labels.",
        discussion: """
            The command answers the sequences of a file offline like predict, and compares each last answer with the label \
            in the last row of its sequence, or with the labels in the file of --labels. If \
            the model answers every timestep, each answer is compared with the label of its row.

            Loss, accuracy and AUC are those of Keras: the loss that the model was compiled with, or else the \
            cross-entropy that fits its outputs; accuracy with outputs above 0.5; AUC with 200 thresholds. The confusion \
            matrix, precision and recall are of the labels that the daemon decides, which --threshold changes.

              sluice evaluate model2.keras power_test.csv
              sluice evaluate model4.keras splice_test.csv --alphabet ACGT --json
              sluice evaluate model1.keras x_test.npy --labels y_test.npy
            """)

    @OptionGroup var options: PredictOptions

    @Flag(help: "Print one line of JSON with exact numbers.")
    var json = false

    func run() throws {
        try options.run(every: false, text: json ? .json : .csv, isSummaryOnly: true)
    }
}

extension PredictionText: ExpressibleByArgument {
    /// Creates a format from its name. `jsonl`, the name that other commands use for JSON lines, is accepted too.
    package init?(argument: String) {
        self.init(rawValue: argument == "jsonl" ? "json" : argument)
    }
}

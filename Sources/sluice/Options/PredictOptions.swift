import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Streams

/// The model, the file and the options of the commands that answer a file offline.
struct PredictOptions: ParsableArguments {
    @Argument(
        help: "The model file: .keras, .h5 or .safetensors.",
        completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var model: String

    @Argument(
        help: "The file with the sequences; - or none for standard input.",
        completion: .file(extensions: RowOptions.extensions))
    var file: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The same as FILE (default: none).", valueName: "file"),
        completion: .file(extensions: RowOptions.extensions))
    var input: String?

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

    @Option(
        help: ArgumentHelp(
            "Answer as the daemon does in this mode: stateful after every timestep, sequence after the model's length or "
                + "the end of a sequence, window:LENGTH:STRIDE after every STRIDE timesteps on the last LENGTH (default: "
                + "one answer to each sequence).", valueName: "mode"),
        transform: parseMode)
    var mode: ServingPolicy.Mode?

    @Option(
        help: ArgumentHelp(
            "The lowest output of label 1, or RISE:FALL (default: 0.5 for a probability, 0 for a logit or other number).",
            valueName: "output"),
        transform: parseThreshold)
    var threshold: ServingPolicy.Threshold?

    @Flag(name: .shortAndLong, help: "Write only results: no progress and no closing line.")
    var quiet = false

    @Option(help: ArgumentHelp("The number of threads (default: one per core).", valueName: "threads"))
    var jobs: Int?

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be 1 to 1024 threads") }
        if label != nil, labels != nil { throw ValidationError("give --label or --labels, not both") }
        if file != nil, input != nil { throw ValidationError("give the file as FILE or with --input, not both") }
    }

    /// Answers the file.
    ///
    /// - Parameters:
    ///   - every: Whether to answer after every timestep.
    ///   - text: The output format.
    ///   - isSummaryOnly: Whether to write an evaluation instead of answers.
    /// - Throws: ``ClientError`` if the file cannot be answered.
    func run(every: Bool, text: PredictionText, isSummaryOnly: Bool) throws {
        let layout = try rowOptions.layout(
            label: RowLayout.Label(label ?? "label", isRequired: label != nil),
            alphabet: try alphabet.map { letters throws(ClientError) in
                try Alphabet(letters, firstToken: firstToken)
            }, numbersSequences: true)
        let source = try ModelFile.readForTool(model)
        let options = Prediction.Options(
            layout: layout,
            labels: try labels.map { path throws(ClientError) in try LabelFile(try InputFile(path: path)) },
            answers: every ? .every : PredictedAnswers(mode), text: text, threshold: threshold,
            isSummaryOnly: isSummaryOnly, isQuiet: quiet,
            jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        let length = mode == .sequence ? source.sequenceLength : nil
        try Prediction(
            try InputFile(path: file ?? input ?? "-"), model: source, length: length, options: options
        ).run()
    }
}

extension PredictedAnswers {
    /// The answers that the daemon gives in the chosen mode; if no mode is given, the answer to each whole sequence.
    fileprivate init(_ mode: ServingPolicy.Mode?) {
        self =
            switch mode {
            case .stateful: .every
            case .window(let window): .windows(length: window.length, stride: window.stride)
            case .sequence, nil: .last
            }
    }
}

private func parseMode(_ text: String) throws -> ServingPolicy.Mode {
    guard let mode = ServingPolicy.Mode(text) else {
        throw ValidationError("a mode must be \(ServingPolicy.Mode.notation)")
    }
    return mode
}

private func parseThreshold(_ text: String) throws -> ServingPolicy.Threshold {
    guard let threshold = ServingPolicy.Threshold(text) else {
        throw ValidationError("a threshold must be \(ServingPolicy.Threshold.notation)")
    }
    return threshold
}

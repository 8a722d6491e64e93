import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Streams

/// The options of the commands that run a model on a file offline.
struct PredictOptions: ParsableArguments {
    @OptionGroup var sequences: SequenceOptions

    @Option(
        help: ArgumentHelp(
            "Answer as the daemon does in this mode: stateful after every timestep, sequence after the model's length or "
                + "the end of a sequence, window:LENGTH:STRIDE after every STRIDE timesteps on the last LENGTH (default: "
                + "one answer to each sequence).", valueName: "mode"),
        transform: ServingPolicy.Mode.parse)
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
    }

    /// Runs the model on the file.
    ///
    /// - Parameters:
    ///   - every: Whether to answer after every timestep.
    ///   - text: The output format.
    ///   - isSummaryOnly: Whether to write an evaluation instead of answers.
    /// - Throws: ``ClientError`` if the prediction fails.
    func run(every: Bool, text: PredictionText, isSummaryOnly: Bool) throws {
        let source = try ModelFile.readForTool(sequences.model)
        let options = Prediction.Options(
            layout: try sequences.rows.layout(), labels: try sequences.rows.labelFile(),
            mode: mode, isEvery: every, text: text, threshold: threshold, isSummaryOnly: isSummaryOnly, isQuiet: quiet,
            jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        try Prediction(
            try InputFile(path: sequences.path), model: sequences.model, source, options: options
        ).run()
    }
}

private func parseThreshold(_ text: String) throws -> ServingPolicy.Threshold {
    guard let threshold = ServingPolicy.Threshold(text) else {
        throw ValidationError("a threshold must be \(ServingPolicy.Threshold.notation)")
    }
    return threshold
}

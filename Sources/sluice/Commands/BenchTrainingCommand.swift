import ArgumentParser
import Client
import ModelFiles
import Training

/// `sluice bench training`: measures the updates of a training run.
struct BenchTrainingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training",
        abstract: "Measure how fast a model learns, on your own data.",
        discussion: """
            Trains as 'sluice fit --no-shuffle' does, without display, and writes no file. Each sample starts from the \
            weights of MODEL. The state of a stateful model goes on from sequence to sequence. Needs no daemon.

              sluice bench training model3.keras power_train.csv --values x0 --sequence-by stream
              sluice bench training model2.keras power_train.csv --values x0 --sequence-by stream --chunk 24 --json
            """)

    @OptionGroup var sequences: SequenceOptions

    @Option(help: ArgumentHelp("The sequences in a batch, for one update.", valueName: "sequences"))
    var batchSize = 32

    @Option(
        help: ArgumentHelp(
            "The timesteps of a call of a stateful model, at which the gradient ends (default: the length of the model's "
                + "input, else whole sequences).", valueName: "timesteps"))
    var chunk: Int?

    @Option(help: ArgumentHelp("The number of threads.", valueName: "threads"))
    var jobs = 1

    @Option(help: ArgumentHelp("The number of samples, of at least 0.2 seconds each.", valueName: "times"))
    var samples = 5

    @Flag(help: "Print one JSON object.")
    var json = false

    /// The parent command, which has the flag `--json` too and receives it wherever it stands on the command line.
    @ParentCommand private var bench: BenchCommand

    func validate() throws {
        guard batchSize >= 1 else { throw ValidationError("--batch-size must be at least 1 sequence") }
        guard (1...1024).contains(jobs) else { throw ValidationError("--jobs must be 1 to 1024 threads") }
        if let chunk, chunk < 1 { throw ValidationError("--chunk must be at least 1 timestep") }
    }

    func run() throws {
        let json = json || bench.json
        let document: ModelDocument
        do {
            document = try ModelDocument.read(sequences.model)
        } catch {
            throw ClientError(error)
        }
        var standardError = StandardStream.error
        let shows = standardError.isTerminal
        let report = try TrainingBench(try plan(for: document), document, samples: samples).run { text in
            if shows { try? standardError.write("\r\u{1B}[K\(text) …") }
        }
        if shows { try? standardError.write("\r\u{1B}[K") }
        var output = StandardStream.output
        try output.writeLine(json ? try JSONText.line(of: report) : report.lines.joined(separator: "\n"))
    }

    private func plan(for document: ModelDocument) throws -> FitPlan {
        var plan = FitPlan(
            model: sequences.model, input: sequences.path, output: "", layout: try sequences.rows.layout())
        plan.labels = try sequences.rows.labelFile()
        plan.choices.jobs = jobs
        plan.fit.batchSize = batchSize
        plan.fit.shuffles = false
        plan.fit.chunk = chunk ?? document.usualChunk
        plan.fit.resetsStates = !document.file.isStateful
        return plan
    }
}

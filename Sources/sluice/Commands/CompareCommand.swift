import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Wire

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Train the five patterns on the sequences of a file, and say which one to take.",
        discussion: """
            Trains new models of the patterns that take the data: sequence, stateful and dense-first for numbers, tokens \
            and tokens-both-ways for tokens (--alphabet or --vocabulary). 'sluice init --help' describes them. The file is \
            read as predict reads it, and each sequence needs a label 0 or 1 in its last row.

            A seeded shuffle holds out the same part of each class. These sequences train no model and judge all of them. \
            Each pattern is trained with several seeds, which give the weights and the orders of the sequences. The \
            columns are:

              LOSS, ACCURACY  of the held-out sequences: the mean over the seeds, and
                              ± the standard deviation
              PARAMETERS      the number of weights
              TRAINING        the time of one training on one core
              TIMESTEP        the time of one timestep in the daemon's engine
              STATE           the bytes of state of one stream in the daemon
              DECIDES EARLY   whether the daemon decides while a sequence is running:
                              yes, with --mode stateful, or no
              AFTER           the number of timesteps from which on the accuracy stays
                              within 1 % (0.01) of the final one

            The last line names the pattern to take. The best mean accuracy decides. Patterns whose mean is within the \
            standard deviation of the best one are equal to it. Of these, the one with the smallest AFTER is taken, then \
            the one with the fewest parameters.

            The stateful pattern is trained on whole sequences, each from the zero state. So it becomes the same network as \
            the pattern sequence, but the daemon decides on every timestep. With --chunk it is trained call by call, as \
            Keras and fit train a stateful model: the state continues, and the gradient ends at each call. Calls of one \
            timestep teach little about the past.

            The same seed gives the same models for any --jobs. Ctrl-C ends the comparison with what is done, with exit \
            status 75.

              sluice compare power_train.csv --values x0
              sluice compare splice_train.csv --alphabet ACGT -o models
              sluice compare trips.csv --sequence-by trip --epochs 100 --json
            """)

    @OptionGroup var source: InputFileOptions

    @OptionGroup var rows: LabelledRowOptions

    @Option(
        help: ArgumentHelp(
            "The number of different tokens, if the values are tokens (default: that of --alphabet, else none).",
            valueName: "tokens"))
    var vocabulary: Int?

    @Option(
        help: ArgumentHelp(
            "The number of values in a timestep (default: that of the first row, but 1 with --wide).",
            valueName: "values"))
    var features: Int?

    @Option(
        help: ArgumentHelp(
            "The patterns to compare, by name or as model1 to model5 (default: all that take the data).",
            valueName: "name,name"),
        completion: .list(ModelPattern.names),
        transform: parsePatterns)
    var patterns: [ModelPattern]?

    @OptionGroup var recurrent: RecurrentLayerOptions

    @Option(help: ArgumentHelp("The epochs of each training run.", valueName: "epochs"))
    var epochs = 20

    @Option(help: ArgumentHelp("The sequences in a batch, for one update.", valueName: "sequences"))
    var batchSize = 32

    @Option(
        help: ArgumentHelp(
            "The timesteps of a call of the stateful pattern (default: whole sequences).", valueName: "timesteps"))
    var chunk: Int?

    @Option(help: ArgumentHelp("The training runs of each pattern, each with its own seed.", valueName: "seeds"))
    var seeds = 5

    @Option(
        help: ArgumentHelp("The start of the random numbers. The same seed gives the same bits.", valueName: "seed"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("The part of the sequences that judges the models.", valueName: "part"))
    var heldOut = 0.2

    @Option(help: ArgumentHelp("The number of threads (default: one per core).", valueName: "threads"))
    var jobs: Int?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder for the best model of each pattern, such as stateful.keras (default: none).",
            valueName: "folder"),
        completion: .directory)
    var output: String?

    @Flag(help: "Replace existing files.")
    var force = false

    @OptionGroup var permissions: FileModeOptions

    @OptionGroup var page: LiveOptions

    @Flag(help: "Print one line of JSON with exact numbers, and the accuracy after each timestep.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    func validate() throws {
        guard heldOut > 0, heldOut < 1 else { throw ValidationError("--held-out must be above 0 and below 1") }
        try check(epochs, "--epochs", in: 1...1_000_000)
        try check(batchSize, "--batch-size", in: 1...1_000_000)
        try check(chunk ?? 1, "--chunk", in: 1...1_000_000)
        try check(seeds, "--seeds", in: 1...1000)
        try check(jobs ?? 1, "--jobs", in: 1...1024)
        try check(features ?? 1, "--features", in: 1...1 << 16)
        try check(vocabulary ?? 1, "--vocabulary", in: 1...1 << 20)
        if features != nil, vocabulary != nil || rows.alphabet != nil {
            throw ValidationError("--features is for numbers, not for tokens; leave it out")
        }
    }

    func run() throws {
        var plan = ComparisonPlan(input: source.path, layout: try rows.layout())
        plan.labels = try rows.labelFile()
        plan.features = features
        plan.vocabulary = vocabulary
        plan.patterns = patterns
        recurrent.apply(to: &plan.sizes)
        plan.epochs = epochs
        plan.batchSize = batchSize
        plan.chunk = chunk
        plan.seeds = seeds
        plan.seed = seed
        plan.heldOut = heldOut
        plan.jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
        plan.folder = output
        plan.replaces = force
        plan.mode = permissions.bits
        plan.live = page.live
        plan.isJSON = json
        plan.isQuiet = quiet
        try Comparison(plan).run()
    }
}

extension ModelPattern {
    /// The names of all patterns, and their numbers, `model1` to `model5`.
    static let names = allCases.map(\.rawValue) + allCases.map(\.number)

    /// Parses the name or the number of a pattern.
    static func parse(_ name: String) throws -> ModelPattern {
        guard let pattern = ModelPattern(name: name) else {
            throw ValidationError(
                "there is no pattern '\(name)'"
                    + Suggestion.words(
                        for: name, among: names,
                        else: "patterns: \(allCases.map(\.rawValue).joined(separator: ", "))"))
        }
        return pattern
    }
}

private func parsePatterns(_ text: String) throws -> [ModelPattern] {
    var patterns: [ModelPattern] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
        let pattern = try ModelPattern.parse(name)
        guard !patterns.contains(pattern) else { throw ValidationError("--patterns has \(name) twice") }
        patterns.append(pattern)
    }
    return patterns
}

import Dispatch
import Glibc
import ModelFiles
import Synchronization
import ZeroMQ

/// Trains the model patterns that fit the sequences of a file, and recommends one: the command `sluice compare`.
///
///     file ──ComparedSequences──▶ PatternTraining × seeds, each core ──▶ PatternResult ──▶ ComparisonReport
///
/// Each training run uses a single thread, so that the models are the same, bit for bit, for any number of threads.
package struct Comparison {
    private let plan: ComparisonPlan
    private let sequences: ComparedSequences
    private let trainings: [PatternTraining]

    /// Reads the file and checks the options without training anything.
    ///
    /// - Throws: ``ClientError`` if an input is invalid, a pattern does not fit the data, or the folder is not
    ///   writable.
    package init(_ plan: ComparisonPlan) throws(ClientError) {
        self.plan = plan
        let sequences = try ComparedSequences(plan)
        self.sequences = sequences
        let patterns = plan.patterns ?? sequences.patterns
        if let wrong = patterns.first(where: { $0.takesTokens != sequences.takesTokens }) {
            let advice =
                wrong.takesTokens
                ? "takes tokens; give --alphabet LETTERS or --vocabulary" : "takes numbers, but these are tokens"
            throw ClientError(.usage, "--patterns: \(wrong.rawValue) \(advice)")
        }
        var trainings: [PatternTraining] = []
        for pattern in patterns { trainings.append(try PatternTraining(pattern, on: sequences, plan)) }
        self.trainings = trainings
        if let folder = plan.folder { try check(folder) }
    }

    /// Trains the patterns, and writes the models and the report.
    ///
    /// - Throws: ``ClientError``, with the status `temporary` after an interruption. Even then, the finished training runs
    ///   are written and reported.
    package func run() throws(ClientError) {
        let interruption = try ClientError.wrapping { () throws(ZeroMQError) in try Interruption() }
        try note()
        let live = try LiveTraining(at: plan.live, progress)
        try LiveTraining.showing(live) { () throws(ClientError) in
            let report = try run(live?.progress, isInterrupted: interruption.check)
            return (report.reason, report.liveTable)
        }
    }

    private var progress: LiveProgress {
        LiveProgress(
            "compare", title: sequences.name,
            runs: trainings.map { training in
                LiveRun(
                    training.pattern.rawValue, epochs: plan.epochs, sequences: training.set.count,
                    trainings: plan.seeds)
            })
    }

    private func run(
        _ live: LiveProgress?, isInterrupted: @escaping @Sendable () -> Bool
    ) throws(ClientError) -> ComparisonReport {
        let trials = try train(live, isInterrupted: isInterrupted)
        let done = zip(trainings, trials).filter { !$0.1.isEmpty }
        guard !done.isEmpty else { throw ClientError(.temporary, "interrupted before the first training was done") }
        for (training, trials) in done { try keep(trials, of: training.pattern) }
        let results = done.map { training, trials in
            PatternResult(
                training.pattern, trials, longest: sequences.longest,
                nanoseconds: StepTime(of: trials[0].document.file.model, timesteps: sequences.longest).nanoseconds)
        }
        let report = ComparisonReport(results, on: sequences, epochs: plan.epochs, seeds: plan.seeds)
        var output = StandardStream.output
        for line in plan.isJSON ? [try JSONText.line(of: report)] : report.lines { try output.writeLine(line) }
        let count = trials.reduce(0) { $0 + $1.count }
        guard count == trainings.count * plan.seeds else {
            throw ClientError(
                .temporary,
                "interrupted after \(count) of \(trainings.count * plan.seeds) training runs; the table has only these")
        }
        return report
    }

    /// Performs all training runs: first every pattern with the first seed, then with the second, and so on.
    ///
    /// - Returns: The finished training runs of each pattern, in seed order.
    private func train(
        _ live: LiveProgress?, isInterrupted: @escaping @Sendable () -> Bool
    ) throws(ClientError) -> [[PatternTraining.Trial]] {
        let count = trainings.count * plan.seeds
        let timesteps = sequences.training.reduce(0) { $0 + $1.timesteps } * plan.epochs
        let progress = ComparisonProgress(trainings: count, timesteps: timesteps, isShown: !plan.isQuiet)
        defer { progress.finish() }
        let next = Atomic(0)
        let results = Mutex([Result<PatternTraining.Trial?, ClientError>?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: min(plan.jobs, count)) { [trainings] _ in
            while !isInterrupted() {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                let (seed, pattern) = index.quotientAndRemainder(dividingBy: trainings.count)
                let result = Result { () throws(ClientError) in
                    try trainings[pattern].run(seed: seed) { part in
                        progress.update(index, part: part)
                        live?.update(pattern) { $0.update(seed, part: part) }
                        return !isInterrupted()
                    } onEpoch: { epoch, loss in
                        live?.update(pattern) { $0.add([("loss", loss)], of: epoch) }
                    }
                }
                if case .failure = result { next.store(count, ordering: .relaxed) }
                results.withLock { $0[index] = result }
            }
        }
        var trials = [[PatternTraining.Trial]](repeating: [], count: trainings.count)
        for (index, result) in results.withLock({ $0 }).enumerated() {
            if let trial = try result?.get() { trials[index % trainings.count].append(trial) }
        }
        return trials
    }

    /// Reports the sequences and rows that were left out.
    private func note() throws(ClientError) {
        var error = StandardStream.error
        if sequences.unlabelled > 0 {
            try error.writeLine(
                "\(sequences.name): \(Quantity.count(sequences.unlabelled, of: "sequence")) without a label left out")
        }
        if sequences.badRows.count > 0 { try error.writeLine("\(sequences.badRows)") }
    }
}

// MARK: - Kept models

extension Comparison {
    /// Creates the folder if necessary, and checks that the models can be written there.
    private func check(_ folder: String) throws(ClientError) {
        guard unsafe mkdir(folder, 0o777) == 0 || errno == EEXIST else {
            throw ClientError(.cannotCreate, "\(folder): \(SystemError.text)")
        }
        do {
            for training in trainings {
                try ModelDocument.checkOutput(path(of: training.pattern, in: folder), replacing: plan.replaces)
            }
        } catch {
            throw ClientError(error)
        }
    }

    private func path(of pattern: ModelPattern, in folder: String) -> String {
        "\(folder)/\(pattern.rawValue)\(ModelDocument.usualEnding)"
    }

    /// Writes the model with the best accuracy. If several are equally accurate, the lowest loss decides.
    private func keep(_ trials: [PatternTraining.Trial], of pattern: ModelPattern) throws(ClientError) {
        guard let folder = plan.folder else { return }
        let best = trials.dropFirst().reduce(trials[0]) { best, trial in
            let (one, other) = (trial.judgment, best.judgment)
            return (one.accuracy, -one.loss) > (other.accuracy, -other.loss) ? trial : best
        }
        do {
            try best.document.write(to: path(of: pattern, in: folder), replacing: plan.replaces, mode: plan.mode)
        } catch {
            throw ClientError(error)
        }
    }
}

package import ModelFiles
import Recurrent
package import Streams

/// Runs the model on the sequences of a file, offline and on all cores, with the daemon's engine but without the
/// daemon.
///
///     file ──RowSource──▶ rows ──SequenceCollector──▶ sequences ──SequenceAnswerer, each core──▶ lines, in order
///
/// All sequences are read before the first one is answered, because any row may belong to any stream. Sequences occupy
/// 4 bytes per value. The answers of each round are written and then discarded.
package struct Prediction {
    /// The options of a prediction.
    package struct Options: Sendable {
        /// The meaning of a row's fields.
        package var layout: RowLayout
        /// The labels of the sequences, if they are in a separate file.
        package var labels: LabelFile?
        /// The mode in which the daemon would give the answers; nil for one answer to each sequence.
        package var mode: ServingPolicy.Mode?
        /// Whether to write the answer after every timestep. Requires that ``mode`` is nil.
        package var isEvery: Bool
        /// The format of the answers.
        package var text: PredictionText
        /// The threshold of a single output; nil for the default.
        package var threshold: ServingPolicy.Threshold?
        /// Whether to write an evaluation instead of answers.
        package var isSummaryOnly: Bool
        /// Whether to write nothing to standard error, except for the number of skipped bad rows.
        package var isQuiet: Bool
        /// The number of threads, at least 1.
        package var jobs: Int

        /// Creates options. Each parameter sets the property of the same name.
        package init(
            layout: RowLayout, labels: LabelFile?, mode: ServingPolicy.Mode?, isEvery: Bool, text: PredictionText,
            threshold: ServingPolicy.Threshold?, isSummaryOnly: Bool, isQuiet: Bool, jobs: Int
        ) {
            self.layout = layout
            self.labels = labels
            self.mode = mode
            self.isEvery = isEvery
            self.text = text
            self.threshold = threshold
            self.isSummaryOnly = isSummaryOnly
            self.isQuiet = isQuiet
            self.jobs = jobs
        }
    }

    private let file: InputFile
    private let model: Model
    private let longest: Int?
    private let length: Int?
    private let threshold: ServingPolicy.Threshold
    private let compiled: CompiledLoss?
    private let cautions: [String]
    /// Whether to evaluate the answer to each timestep, not only the last one, as Keras does for a model that answers
    /// every timestep.
    private let evaluatesEvery: Bool
    private let answers: PredictedAnswers
    private let options: Options
    private let loss: Loss?
    private let served: ServableModel

    /// Creates a prediction without answering anything.
    ///
    /// - Parameters:
    ///   - file: The input.
    ///   - path: The path of the model's file, for messages.
    ///   - source: The model's file.
    ///   - options: The options.
    /// - Throws: ``ClientError`` with the status `usage` if the model does not allow the options.
    package init(
        _ file: InputFile, model path: String, _ source: ModelFile, options: Options
    ) throws(ClientError) {
        let model = source.model
        let served = ServableModel(source)
        do {
            let mode = options.mode ?? served.standardMode
            try served.check(mode, emit: options.isEvery ? .every : mode.defaultEmit)
        } catch {
            throw ClientError(.usage, "\(error.code == .emit ? "--every: " : "")\(path): \(error)")
        }
        loss = Loss(outputs: model.outputs, meaning: source.outputMeaning, compiled: source.loss)
        guard loss != nil || !options.isSummaryOnly else {
            throw ClientError(.usage, "\(Loss.lacking), so that it has no loss; use predict without --summary")
        }
        self.file = file
        self.served = served
        self.model = model
        let takesWholeSequences = options.mode == nil || options.mode == .sequence
        let isLast = takesWholeSequences && !options.isEvery
        evaluatesEvery = options.isSummaryOnly && isLast && source.answersEveryTimestep
        answers =
            if case .window(let window) = options.mode {
                .windows(length: window.length, stride: window.stride)
            } else if isLast && !evaluatesEvery {
                .last
            } else {
                .every
            }
        length = options.mode == .sequence ? source.sequenceLength : nil
        // The input length of a stateful model is not a limit, because such a model is called with a few timesteps at a
        // time. Windows have a separate length.
        let isLimited = (isLast || !model.isCausal) && takesWholeSequences && !source.isStateful
        longest = isLimited && length == nil ? source.sequenceLength : nil
        compiled = source.loss
        cautions = source.cautions.map { "\(path): the model \($0)" }
        do {
            threshold = try ServingPolicy.Threshold(
                options.threshold, forProbabilities: source.outputMeaning == .probability)
        } catch {
            throw ClientError(.usage, "--threshold: \(error)")
        }
        self.options = options
    }

    /// Answers all sequences. The number of skipped bad rows is written to standard error, even if the prediction is
    /// quiet.
    ///
    /// - Throws: ``ClientError`` if writing fails, or if a row is bad. A bad row is found before anything is written.
    package func run() throws(ClientError) {
        let start = ContinuousClock.now
        if !options.isQuiet {
            var error = StandardStream.error
            for caution in cautions { try error.writeLine(caution) }
        }
        let (collector, badRows) = try read()
        let isLabelled = collector.sequences.contains { $0.label != nil }
        guard isLabelled || !options.isSummaryOnly else {
            throw ClientError(.data, "\(file.name): no sequence has a label; give --label COLUMN or --labels FILE")
        }
        var output = StandardStream.output
        let evaluation = try answer(collector, output: &output)
        if options.isSummaryOnly {
            guard let loss, evaluation.count > 0 else {
                throw ClientError(.data, "\(file.name): no sequence has an answer and a label in its last row")
            }
            let summary = EvaluationSummary(
                evaluation, of: collector, loss: loss, compiled: compiled, threshold: threshold)
            for line in try summary.lines(as: options.text) { try output.writeLine(line) }
        } else if !options.isQuiet {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let counts = Quantity.count(collector.sequences.count, of: "sequence")
            let timesteps = Quantity.count(collector.timesteps, of: "timestep")
            var error = StandardStream.error
            try error.writeLine(
                "\(counts), \(timesteps) in \(Quantity.duration(seconds))"
                    + (collector.hasLabels ? ": \(sentence(on: evaluation))" : ""))
        }
        if badRows.count > 0 {
            var error = StandardStream.error
            try error.writeLine("\(badRows)")
        }
    }

    private func read() throws(ClientError) -> (SequenceCollector, BadRows) {
        var collector = SequenceCollector(
            model: model, longest: longest, length: length, loss: loss, keepsLabels: evaluatesEvery)
        let badRows = try collector.read(
            file, layout: options.layout, labels: options.labels, isQuiet: options.isQuiet)
        if case .windows = answers { return (collector, badRows) }
        for sequence in collector.sequences {
            guard let refusal = served.refusal(ofLength: sequence.timesteps) else { continue }
            throw ClientError(.data, "\(file.name): the sequence of stream '\(sequence.stream)' \(refusal)")
        }
        return (collector, badRows)
    }

    /// Answers the sequences round by round and writes each round in order, so that only a few answers are in memory.
    private func answer(
        _ collector: SequenceCollector, output: inout StandardStream
    ) throws(ClientError) -> Evaluation {
        // Do not mix progress with answers on the same terminal.
        let isShown = !options.isQuiet && (options.isSummaryOnly || !output.isTerminal)
        var meter = ProgressMeter(total: collector.timesteps, isShown: isShown)
        defer { meter.finish() }
        var evaluation = Evaluation()
        var done = 0
        if !options.isSummaryOnly,
            let header = options.text.header(
                outputs: model.outputs, hasNames: options.layout.sequenceColumn != nil)
        {
            try output.writeLine(header)
        }
        let options = SequenceAnswerer.Options(
            answers: answers, text: options.isSummaryOnly ? nil : options.text, threshold: threshold,
            loss: loss, evaluatesEvery: evaluatesEvery)
        var work = WorkSharing(collector.sequences, model: model, options: options, jobs: self.options.jobs)
        while true {
            let batches = try work.nextRound()
            if batches.isEmpty { break }
            for batch in batches {
                evaluation.add(batch.evaluation)
                done += batch.timesteps
                try output.append { $0.append(contentsOf: batch.text) }
            }
            meter.update(done: done, timesteps: UInt64(done))
        }
        try output.flush()
        return evaluation
    }

    /// Returns the loss and the accuracy as human-readable text.
    private func sentence(on evaluation: Evaluation) -> String {
        guard loss != nil else { return "no loss, because \(Loss.lacking)" }
        guard evaluation.count > 0 else { return "no loss, because no sequence has a label in its last row" }
        let mean = "loss \(Quantity.fixed(evaluation.loss, digits: 4))"
        guard loss?.classes != nil else { return mean }
        let right = "\(Quantity.count(evaluation.rightCount)) of \(Quantity.count(evaluation.count))"
        return "\(mean), accuracy \(Quantity.fixed(evaluation.accuracy, digits: 4)) (\(right))"
    }
}

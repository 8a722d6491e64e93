package import Recurrent

/// Answers the sequences of a file offline on all cores, with the daemon's engine but without the daemon.
///
///     file ──RowSource──▶ rows ──SequenceCollector──▶ sequences ──SequenceAnswerer, each core──▶ lines, in order
///
/// All sequences are read before the first is answered, because any row may belong to any stream. This takes 4 bytes
/// per value. Answers are written round by round and not kept.
package struct Prediction {
    /// The options of a prediction.
    package struct Options: Sendable {
        /// The meaning of a row's fields.
        package var layout: RowLayout
        /// The answers to write.
        package var answers: PredictedAnswers
        /// The format of the answers.
        package var text: PredictionText
        /// Whether to write loss and accuracy instead of answers.
        package var isSummaryOnly: Bool
        /// Whether nothing is written to standard error.
        package var isQuiet: Bool
        /// The number of threads, at least 1.
        package var jobs: Int

        /// Creates options. Each parameter sets the property of the same name.
        package init(
            layout: RowLayout, answers: PredictedAnswers, text: PredictionText, isSummaryOnly: Bool, isQuiet: Bool,
            jobs: Int
        ) {
            self.layout = layout
            self.answers = answers
            self.text = text
            self.isSummaryOnly = isSummaryOnly
            self.isQuiet = isQuiet
            self.jobs = jobs
        }
    }

    private let file: InputFile
    private let model: Model
    private let longest: Int?
    private let options: Options
    private let loss: Loss?

    /// Creates a prediction without answering anything.
    ///
    /// - Parameters:
    ///   - file: The input.
    ///   - model: The model.
    ///   - longest: The maximum number of timesteps in a sequence; nil for no limit.
    ///   - options: The options.
    /// - Throws: ``ClientError`` with the status `usage` if the model does not allow the options.
    package init(_ file: InputFile, model: Model, longest: Int?, options: Options) throws(ClientError) {
        if case .every = options.answers, !model.isCausal {
            throw ClientError(
                .usage,
                "the model answers only whole sequences, so that there is no answer after each timestep; leave out "
                    + "--every")
        }
        if let alphabet = options.layout.alphabet {
            guard let vocabulary = model.vocabulary else {
                throw ClientError(.usage, "--alphabet is only for models that take tokens, but this model takes values")
            }
            guard alphabet.lastToken < vocabulary else {
                throw ClientError(
                    .usage,
                    "--alphabet has the tokens \(alphabet.firstToken) to \(alphabet.lastToken), but the model takes "
                        + "0 to \(vocabulary - 1)")
            }
        }
        loss = Loss(for: model)
        guard loss != nil || !options.isSummaryOnly else {
            throw ClientError(.usage, "\(Loss.lacking), so that it has no loss and accuracy; leave out --summary")
        }
        self.file = file
        self.model = model
        self.longest = longest
        self.options = options
    }

    /// Answers everything.
    ///
    /// - Throws: ``ClientError`` if a row is wrong, before anything is written, or if writing fails.
    package func run() throws(ClientError) {
        let start = ContinuousClock.now
        let collector = try read()
        let isLabelled = collector.sequences.contains { $0.label != nil }
        guard isLabelled || !options.isSummaryOnly else {
            throw ClientError(.data, "\(file.name): no sequence has a label; give --label to name the column")
        }
        var output = StandardStream.output
        let evaluation = try answer(collector, output: &output)
        if options.isSummaryOnly {
            let summary = PredictionSummary(
                sequences: collector.sequences.count, timesteps: collector.timesteps, labelled: evaluation.count,
                loss: evaluation.loss.isFinite ? evaluation.loss : nil, accuracy: evaluation.accuracy)
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
    }

    private func read() throws(ClientError) -> SequenceCollector {
        var source = try RowSource(file, layout: options.layout)
        var collector = SequenceCollector(model: model, longest: longest, loss: loss)
        var meter = ProgressMeter(total: file.size, isShown: !options.isQuiet)
        defer { meter.finish() }
        while let row = try source.next() {
            try collector.add(row, place: source.place)
            meter.update(done: source.byteCount, timesteps: UInt64(collector.timesteps))
        }
        return collector
    }

    /// Answers the sequences round by round, so that few answers are in memory, and writes each round in order.
    private func answer(
        _ collector: SequenceCollector, output: inout StandardStream
    ) throws(ClientError) -> Evaluation {
        // Progress is not mixed with answers on the same terminal.
        let isShown = !options.isQuiet && (options.isSummaryOnly || !output.isTerminal)
        var meter = ProgressMeter(total: collector.timesteps, isShown: isShown)
        defer { meter.finish() }
        var evaluation = Evaluation()
        var done = 0
        if !options.isSummaryOnly, let header = options.text.header(outputs: model.outputs) {
            try output.writeLine(header)
        }
        let options = SequenceAnswerer.Options(
            answers: options.answers, text: options.isSummaryOnly ? nil : options.text, loss: loss)
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

    /// Returns loss and accuracy in a form for people.
    private func sentence(on evaluation: Evaluation) -> String {
        guard loss != nil else { return "no loss, because \(Loss.lacking)" }
        guard evaluation.count > 0 else { return "no loss, because no sequence has a label in its last row" }
        let right = "\(Quantity.count(evaluation.rightCount)) of \(Quantity.count(evaluation.count))"
        let loss = Quantity.fixed(evaluation.loss, digits: 4)
        return "loss \(loss), accuracy \(Quantity.fixed(evaluation.accuracy, digits: 4)) (\(right))"
    }
}

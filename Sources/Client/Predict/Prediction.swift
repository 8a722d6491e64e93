public import Recurrent

/// Answers the sequences of a file offline, on all cores: the daemon's engine without the daemon.
///
///     file ──ReadingSource──▶ rows ──SequenceCollector──▶ sequences ──SequenceAnswerer, each core──▶ lines, in order
///
/// All sequences are read before the first is answered, since any row may be of any stream: 4 bytes a value. The
/// answers are written round by round and not kept.
public struct Prediction {
    /// What is read, how it is answered, and what is written.
    public struct Options: Sendable {
        /// Which of a row's fields mean what.
        public var layout: ReadingLayout
        /// Which answers are written.
        public var answers: PredictedAnswers
        /// How they are written.
        public var text: PredictionText
        /// Whether loss and accuracy are written in their place.
        public var isSummaryOnly: Bool
        /// Whether nothing is written to standard error.
        public var isQuiet: Bool
        /// How many threads share the work, at least 1.
        public var jobs: Int

        /// Creates options; each parameter is the property of its name.
        public init(
            layout: ReadingLayout, answers: PredictedAnswers, text: PredictionText, isSummaryOnly: Bool, isQuiet: Bool,
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

    /// Answers nothing yet.
    ///
    /// - Parameters:
    ///   - file: Where the sequences come from.
    ///   - model: What answers them.
    ///   - longest: Timesteps that a sequence may have; nil: any number.
    ///   - options: What is read, how it is answered, and what is written.
    /// - Throws: ``ClientError`` with the status `usage` where the model cannot do what is asked for.
    public init(_ file: InputFile, model: Model, longest: Int?, options: Options) throws(ClientError) {
        if case .every = options.answers, !model.isCausal {
            throw ClientError(
                .usage,
                "the model needs the whole sequence for its answer, so there is none after each timestep: leave out "
                    + "--every")
        }
        if let alphabet = options.layout.alphabet {
            guard let vocabulary = model.vocabulary else {
                throw ClientError(.usage, "--alphabet is for models that take tokens, and this one takes values")
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
            throw ClientError(.usage, "\(Loss.lacking), so it has no loss and accuracy here: leave out --summary")
        }
        self.file = file
        self.model = model
        self.longest = longest
        self.options = options
    }

    /// Answers everything.
    ///
    /// - Throws: ``ClientError``: a row was wrong, of which nothing was written then, or writing failed.
    public func run() throws(ClientError) {
        let start = ContinuousClock.now
        let collector = try read()
        let isLabelled = collector.sequences.contains { $0.label != nil }
        guard isLabelled || !options.isSummaryOnly else {
            throw ClientError(.data, "\(file.name): no sequence has a label; --label names their column")
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
        var source = try ReadingSource(file, layout: options.layout)
        var collector = SequenceCollector(model: model, longest: longest, loss: loss)
        var meter = ProgressMeter(total: file.size, isShown: !options.isQuiet)
        defer { meter.finish() }
        while let reading = try source.next() {
            try collector.add(reading, place: source.place)
            meter.update(done: source.byteCount, timesteps: UInt64(collector.timesteps))
        }
        return collector
    }

    /// Answers the sequences round by round, so that few answers are held at a time, and writes each round in order.
    private func answer(
        _ collector: SequenceCollector, output: inout StandardStream
    ) throws(ClientError) -> Evaluation {
        // Not among the answers on one terminal.
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

    /// Loss and accuracy for a person.
    private func sentence(on evaluation: Evaluation) -> String {
        guard loss != nil else { return "no loss, as \(Loss.lacking)" }
        guard evaluation.count > 0 else { return "no loss, as no sequence has a label in its last row" }
        let right = "\(Quantity.count(evaluation.rightCount)) of \(Quantity.count(evaluation.count))"
        let loss = Quantity.fixed(evaluation.loss, digits: 4)
        return "loss \(loss), accuracy \(Quantity.fixed(evaluation.accuracy, digits: 4)) (\(right))"
    }
}

package import ModelFiles
import Training
import ZeroMQ

/// Trains a model on the labelled sequences of a file, and writes the trained model: the command `sluice fit`.
///
///     file ──LabelledSequences──▶ training set ──Trainer, epoch after epoch──▶ ModelDocument ──▶ file
///                                                  └──▶ TrainingDisplay, TrainingHistory, checkpoint
///
/// All inputs and options are checked before the training begins.
package struct Fit {
    private let options: FitPlan
    private let task: TrainingTask
    private let training: LabelledSequences
    private let validation: LabelledSequences?
    private let lanes: StreamLanes?
    private let states: StreamStates?

    /// Reads the model and the sequences without training anything.
    ///
    /// - Parameters:
    ///   - plan: The options.
    ///   - document: The model.
    /// - Throws: ``ClientError`` if an input is invalid, an option does not fit the model, or an output is not
    ///   writable.
    package init(_ plan: FitPlan, _ document: ModelDocument) throws(ClientError) {
        try plan.checkOutputs()
        options = plan
        task = try TrainingTask(document, path: plan.model, plan.choices)
        try plan.check(for: task)
        states = try plan.initialState.map { path throws(ClientError) in try StreamStates(path: path) }
        let read = { (path: String, labels: LabelFile?, task: TrainingTask) throws(ClientError) in
            try LabelledSequences(
                try InputFile(path: path), layout: plan.layout, labels: labels, division: plan.division, for: task,
                isQuiet: plan.isQuiet)
        }
        let all = try read(plan.input, plan.labels, task)
        switch plan.validation {
        case .none: (training, validation) = (all, nil)
        case .split(let part):
            let parts = try all.split(validation: part)
            (training, validation) = (parts.training, parts.validation)
        case .file(let path): (training, validation) = (all, try read(path, nil, task))
        }
        let isStateful = document.file.isStateful
        try training.checkVariety(continues: isStateful)
        lanes = isStateful ? StreamLanes(of: training.streams, count: plan.lanes(of: document)) : nil
        if let states, let lanes, states.exports.count > lanes.streams.count {
            throw ClientError(
                .usage,
                "--initial-state has \(Quantity.count(states.exports.count, of: "stream")), but the training has "
                    + "\(lanes.streams.count) side by side; give --streams \(states.exports.count) and as many streams")
        }
    }

    /// Trains the model and writes the outputs.
    ///
    /// - Throws: ``ClientError`` with the status `temporary` after an interruption, or `data` if a loss is not finite.
    ///   In both cases, the weights have been written. If writing fails, the status is different.
    package func run() throws(ClientError) {
        let trainer = try task.makeTrainer()
        let interruption = try ClientError.wrapping { () throws(ZeroMQError) in try Interruption() }
        if options.resumes { try task.resume(trainer) }
        if let states { trainer.states = try states.states(of: task.document.file.model) }
        var fit = options.fit
        var set = training.set
        fit.validation = validation?.set
        if let lanes {
            set.batches = lanes.batches
            let count = options.lanes(of: task.document)
            fit.validation?.batches = validation.map { StreamLanes(of: $0.streams, count: count).batches }
        }
        fit.initialEpoch = try firstEpoch(trainer, set, fit)
        try note()
        let live = try LiveTraining(at: options.live, progress(of: fit))
        try LiveTraining.showing(live) { () throws(ClientError) in
            var run = TrainingRun(task, fit, plan: options, live: live?.progress)
            let result = try run.train(trainer, set, until: interruption)
            try write(trainer, run)
            return (try report(result, run, updates: trainer.optimizerState.updates), nil)
        }
    }

    private func progress(of fit: FitOptions) -> LiveProgress {
        LiveProgress(
            "fit", title: "\(task.path) on \(training.name)",
            runs: [
                LiveRun(options.output, epochs: fit.epochs, done: fit.initialEpoch, sequences: training.set.count)
            ])
    }

    /// Returns the number of epochs that are already done; 0 unless the training is resumed.
    private func firstEpoch(_ trainer: Trainer, _ set: TrainingSet, _ fit: FitOptions) throws(ClientError) -> Int {
        guard options.resumes else { return 0 }
        let updates = trainer.optimizerState.updates
        let done = options.initialEpoch ?? updates / max(1, trainer.updates(in: set, fit))
        guard done < fit.epochs else {
            throw ClientError(
                .usage,
                "\(task.path): the model has been trained for \(Quantity.count(done, of: "epoch")) of this file; give "
                    + "--epochs above \(done), or --initial-epoch to count otherwise")
        }
        return done
    }
}

// MARK: - Outputs

extension Fit {
    private func write(_ trainer: Trainer, _ run: TrainingRun) throws(ClientError) {
        let document = try task.document(of: trainer)
        let size = try options.write(document, to: options.output)
        if let path = options.finalState {
            let text = try StreamStates.text(
                trainer.states, of: lanes?.streams ?? [], timesteps: laneTimesteps, before: states,
                trained: document.file)
            try options.write(text, to: path)
        }
        if let (path, format) = options.history { try options.write(try run.history.text(format), to: path) }
        guard !options.isQuiet else { return }
        var error = StandardStream.error
        try error.writeLine(
            "wrote \(options.output), \(Quantity.bytes(size)): \(Quantity.count(run.history.epochs.count, of: "epoch")) of "
                + "\(Quantity.count(training.set.count, of: "sequence")) in \(Quantity.duration(run.seconds))")
    }

    /// The number of timesteps in each lane per epoch.
    private var laneTimesteps: [Int] {
        guard let lanes else { return [] }
        return lanes.streams.indices.map { lane in
            lanes.batches.reduce(0) { $0 + (lane < $1.count ? training.set.timesteps(of: $1[lane]) : 0) }
        }
    }

    /// Reports data that is left out, labels of only one class, and initial states that come from other weights.
    private func note() throws(ClientError) {
        var lines: [String] = []
        for part in [training, validation].compactMap(\.self) where part.unlabelled > 0 {
            lines.append(
                "\(part.name): \(Quantity.count(part.unlabelled, of: "sequence")) without a label left out")
        }
        if let validation, validation.badRows.count > 0, validation.name != training.name {
            lines.append("\(validation.badRows)")
        }
        if training.badRows.count > 0 { lines.append("\(training.badRows)") }
        if lanes != nil, task.loss.isClassifier, let label = training.set.onlyLabel {
            lines.append("\(training.name): every label is \(Quantity.decimal(label)), so the model learns one class")
        }
        if let others = states?.streams(notOf: task.document.file.fingerprint), !others.isEmpty {
            lines.append("the state of \(others.joined(separator: ", ")) comes from other weights and is used as it is")
        }
        var error = StandardStream.error
        for line in lines { try error.writeLine(line) }
    }

    /// Reports how the training ended.
    ///
    /// - Returns: The end in words; nil if all epochs are done and there is nothing to add.
    private func report(_ result: FitResult, _ run: TrainingRun, updates: Int) throws(ClientError) -> String? {
        if let failure = run.failure { throw failure }
        let last = run.history.epochs.last?.epoch ?? options.fit.initialEpoch
        switch result.end {
        case .completed:
            return result.restoredEpoch == nil ? nil : try remark("all epochs are done", result)
        case .stoppedEarly: return try remark("stopped early after epoch \(last)", result)
        case .cancelled:
            throw ClientError(
                .temporary,
                "interrupted after epoch \(last) of \(options.fit.epochs); \(options.output) has the weights of now: "
                    + "--resume goes on from there")
        case .notFinite:
            throw ClientError(
                .data,
                "the loss is not a number in epoch \(last + 1), update \(updates + 1); \(options.output) has the weights "
                    + "before; lower --learning-rate, or give --clipnorm")
        }
    }

    private func remark(_ text: String, _ result: FitResult) throws(ClientError) -> String {
        let line = text + (result.restoredEpoch.map { "; the weights are those of epoch \($0)" } ?? "")
        guard !options.isQuiet else { return line }
        var error = StandardStream.error
        try error.writeLine(line)
        return line
    }
}

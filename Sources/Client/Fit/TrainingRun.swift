import Training

/// One training run. It records the history, shows the progress, writes the best model so far, and can be
/// interrupted.
struct TrainingRun {
    private let task: TrainingTask
    private let fit: FitOptions
    private let plan: FitPlan
    private let live: LiveProgress?
    private var display: TrainingDisplay
    private let start = ContinuousClock.now
    private var best: EpochResult?
    /// The epochs so far.
    private(set) var history: TrainingHistory
    /// The reason why the best model could not be written; nil if there was no such failure. A failure ends the
    /// training.
    private(set) var failure: ClientError?

    /// Creates a run and shows the column titles. `live` shows the progress on a page too.
    init(_ task: TrainingTask, _ fit: FitOptions, plan: FitPlan, live: LiveProgress?) {
        self.task = task
        self.fit = fit
        self.plan = plan
        self.live = live
        let isValidated = fit.validation != nil
        history = TrainingHistory(
            isClassifier: task.loss.isClassifier, isBinary: task.loss.isBinary, isValidated: isValidated)
        display = TrainingDisplay(
            history, epochs: fit.epochs,
            table: EpochTable(isClassifier: task.loss.isClassifier, isValidated: isValidated), isQuiet: plan.isQuiet)
    }

    /// The time since the start.
    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

    /// Trains until the last epoch, an interruption, or a failure to write the best model.
    ///
    /// - Throws: ``ClientError`` if the sequences or the options do not fit the model.
    mutating func train(
        _ trainer: Trainer, _ set: TrainingSet, until interruption: Interruption
    ) throws(ClientError) -> FitResult {
        defer { display.finish(history.epochs) }
        do {
            return try trainer.fit(
                set, fit,
                onBatch: {
                    show($0)
                    return !interruption.isRequested
                },
                onEpoch: {
                    add($0, trainer)
                    return failure == nil && !interruption.isRequested
                })
        } catch {
            throw ClientError(error, path: task.path)
        }
    }

    private mutating func show(_ progress: FitProgress) {
        display.show(progress)
        let part = progress.part(of: fit.epochs, after: fit.initialEpoch)
        live?.update(0) { $0.update(part: part) }
    }

    private mutating func add(_ epoch: EpochResult, _ trainer: Trainer) {
        history.append(epoch)
        display.show(epoch, in: history)
        let values = history.values(of: epoch)
        live?.update(0) { $0.add(values, of: epoch.epoch) }
        guard let path = plan.checkpoint, plan.monitor.isBetter(epoch, than: best) else { return }
        do {
            _ = try plan.write(try task.document(of: trainer), to: path, replacing: best != nil || plan.replaces)
            best = epoch
        } catch {
            failure = error
        }
    }
}

extension FitProgress {
    /// Returns the part of a training that is done.
    ///
    /// - Parameters:
    ///   - epochs: The last epoch, counted from 1.
    ///   - done: The number of epochs that an earlier training has done.
    /// - Returns: A number from 0 to 1.
    func part(of epochs: Int, after done: Int = 0) -> Double {
        (Double(epoch - 1 - done) + Double(sequences) / Double(allSequences)) / Double(epochs - done)
    }
}

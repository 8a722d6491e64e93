package import ModelFiles
import Training

/// Measures how fast a model learns from the sequences of a file. Shows no progress and writes no files.
package struct TrainingBench {
    private let task: TrainingTask
    private let set: TrainingSet
    private let options: FitOptions
    private let samples: Int

    /// The minimum length of a sample. It is long compared with a time slice of the scheduler.
    private static let sampleSeconds = 0.2
    /// The number of epochs before the first sample. Their losses are reported for comparison with another program.
    private static let firstEpochs = 3

    /// Reads the sequences.
    ///
    /// - Parameters:
    ///   - plan: The choices. The names of outputs are not used.
    ///   - document: The model.
    ///   - samples: The number of samples.
    /// - Throws: ``ClientError`` if the file is bad, or if a choice does not fit the model.
    package init(_ plan: FitPlan, _ document: ModelDocument, samples: Int) throws(ClientError) {
        guard (1...10_000).contains(samples) else {
            throw ClientError(.usage, "--samples must be from 1 to 10000")
        }
        self.samples = samples
        options = plan.fit
        task = try TrainingTask(document, path: plan.model, plan.choices)
        try plan.check(for: task)
        let sequences = try LabelledSequences(
            try InputFile(path: plan.input), layout: plan.layout, labels: plan.labels, division: plan.division,
            for: task, isQuiet: true)
        var set = sequences.set
        if document.file.isStateful {
            set.batches = StreamLanes(of: sequences.streams, count: plan.lanes(of: document)).batches
        }
        self.set = set
    }

    /// Trains repeatedly, each time from the weights in the file.
    ///
    /// - Parameter progress: Called with the name of the next step.
    /// - Returns: The times.
    /// - Throws: ``ClientError`` if the training fails.
    package func run(progress: (String) -> Void) throws(ClientError) -> TrainingReport {
        progress("warm-up")
        let trainer = try task.makeTrainer()
        let first = try fit(trainer, epochs: Self.firstEpochs)
        let fingerprint = try task.document(of: trainer).file.fingerprint
        var epochs = 1
        while try seconds(for: epochs) < Self.sampleSeconds { epochs *= 2 }
        var times: [Double] = []
        for sample in 1...samples {
            progress("sample \(sample) of \(samples)")
            times.append(try seconds(for: epochs) / Double(epochs))
        }
        let timesteps = (0..<set.count).reduce(0) { $0 + set.timesteps(of: $1) }
        let updates = trainer.updates(in: set, options)
        guard let timestep = Spread(times.map { $0 * 1e9 / Double(timesteps) }),
            let update = Spread(times.map { $0 * 1e9 / Double(max(1, updates)) })
        else { throw ClientError(.software, "there is no sample") }
        return TrainingReport(
            sequences: set.count, timesteps: timesteps, updates: updates, jobs: task.configuration.jobs,
            timestep: timestep, update: update, losses: first.epochs.map(\.training.loss), fingerprint: fingerprint)
    }

    /// Returns the time that some epochs take, in seconds. Training starts from the weights in the file.
    private func seconds(for epochs: Int) throws(ClientError) -> Double {
        let trainer = try task.makeTrainer()
        let start = ContinuousClock.now
        _ = try fit(trainer, epochs: epochs)
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private func fit(_ trainer: Trainer, epochs: Int) throws(ClientError) -> FitResult {
        var options = options
        options.epochs = epochs
        let result: FitResult
        do {
            result = try trainer.fit(set, options)
        } catch {
            throw ClientError(error, path: task.path)
        }
        guard case .completed = result.end else {
            throw ClientError(.data, "\(task.path): the loss is not a number; lower --learning-rate")
        }
        return result
    }
}

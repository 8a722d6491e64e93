package import Recurrent

/// The options for one call to ``Trainer/fit(_:_:onBatch:onEpoch:)``, with Keras' defaults.
package struct FitOptions: Sendable {
    /// The last epoch, counted from 1.
    package var epochs = 1
    /// The number of epochs completed before this call. They count towards ``epochs``.
    package var initialEpoch = 0
    package var batchSize = 32
    /// Whether to shuffle the sequences before each epoch. The sequences of a stateful model keep their order.
    package var shuffles = true
    /// The seed for shuffling.
    package var seed: UInt64 = 0
    /// The number of timesteps to train on at a time; nil for whole sequences. The gradient does not reach back into
    /// earlier chunks. The model must be stateful.
    package var chunk: Int?
    /// Whether a stateful model's states are reset to zero before each batch of sequences; with ``chunk``, only before
    /// the first chunk of the batch. Keras' `fit` never resets them.
    package var resetsStates = false
    /// The sequences to evaluate after each epoch; nil for none.
    package var validation: TrainingSet?
    package var earlyStopping: EarlyStopping?
    package var rateReduction: RateReduction?

    package init(epochs: Int = 1, batchSize: Int = 32) {
        self.epochs = epochs
        self.batchSize = batchSize
    }
}

/// The progress within an epoch.
package struct FitProgress: Sendable {
    /// The epoch, counted from 1.
    package let epoch: Int
    /// The number of sequences trained on so far in the epoch, and the number in the whole epoch. With chunks, both
    /// numbers count a sequence once per chunk.
    package let sequences: Int
    package let allSequences: Int
    /// The result of the latest batch.
    package let batch: BatchResult
    /// The running mean over the batches of the epoch.
    package let result: BatchResult
}

/// One row of Keras' `History`.
package struct EpochResult: Sendable {
    /// The epoch, counted from 1.
    package let epoch: Int
    /// The running mean over the batches, each measured before its update.
    package let training: BatchResult
    /// The result on the validation set after the epoch; nil if there is none.
    package let validation: BatchResult?
    /// The learning rate of the epoch's last update.
    package let learningRate: Double
}

/// The outcome of a call to ``Trainer/fit(_:_:onBatch:onEpoch:)``.
package struct FitResult: Sendable {
    package enum End: Sendable {
        /// All epochs are done.
        case completed
        /// ``EarlyStopping`` ended the training.
        case stoppedEarly
        /// A callback ended the training after a batch or an epoch.
        case cancelled
        /// A loss or a gradient was not finite. The weights stay as they were before that batch.
        case notFinite
    }

    package internal(set) var epochs: [EpochResult] = []
    package internal(set) var end = End.completed
    /// The epoch whose weights were restored; nil if the weights are the ones after the last update.
    package internal(set) var restoredEpoch: Int?
}

extension Trainer {
    /// Trains on a set, epoch after epoch: Keras' `fit`.
    ///
    /// - Parameters:
    ///   - set: The sequences, at least one.
    ///   - options: The options.
    ///   - onBatch: A function that is called after each batch. If it returns false, the training ends.
    ///   - onEpoch: A function that is called after each epoch. If it returns false, the training ends.
    /// - Returns: The history, and the reason why the training ended.
    /// - Throws: ``TrainingError`` with the code `data` if the set does not fit the model or the loss, or `option` if
    ///   an option is invalid. In both cases, the trainer is unchanged.
    package func fit(
        _ set: TrainingSet, _ options: FitOptions, onBatch: (FitProgress) -> Bool = { _ in true },
        onEpoch: (EpochResult) -> Bool = { _ in true }
    ) throws(TrainingError) -> FitResult {
        try check(set, options)
        var result = FitResult()
        var watches = (stopping: options.earlyStopping?.watch(), reduction: options.rateReduction?.watch())
        for epoch in options.initialEpoch + 1..<max(options.epochs, options.initialEpoch) + 1 {
            let (training, end, isWhole) = trainEpoch(epoch, set, options, onBatch)
            if let end { result.end = end }
            guard isWhole else { break }
            let row = EpochResult(
                epoch: epoch, training: training,
                validation: options.validation.map { validate($0, options) }, learningRate: lastLearningRate)
            result.epochs.append(row)
            if let rate = watches.reduction?.rate(after: row, rate: learningRate) { learningRate = rate }
            if watches.stopping?.stops(after: row, weights: weights) == true { result.end = .stoppedEarly }
            if !onEpoch(row) { result.end = .cancelled }
            if result.end != .completed { break }
        }
        if let best = watches.stopping?.best, options.earlyStopping?.restoresBest == true {
            weights = best.weights
            result.restoredEpoch = best.epoch
        }
        return result
    }

    /// Returns the number of updates in an epoch. A batch without labels causes no update.
    package func updates(in set: TrainingSet, _ options: FitOptions) -> Int {
        batches(of: set, Array(0..<set.count), options).count { batch in
            batch.batch.hasLabel(onlyLast: configuration.outputs == .last)
        }
    }

    private func check(_ set: TrainingSet, _ options: FitOptions) throws(TrainingError) {
        try check(set)
        if let validation = options.validation {
            do {
                try check(validation)
            } catch {
                throw TrainingError(error.code, "in the validation data, \(error.context)")
            }
        }
        guard options.batchSize >= 1, options.chunk ?? 1 >= 1 else {
            throw TrainingError(.option, "the batch size and the chunk must be at least 1")
        }
        guard options.chunk == nil || configuration.isStateful else {
            throw TrainingError(.option, "only a stateful model can be trained in chunks")
        }
        if let rate = configuration.optimizer.scheduledRate, options.rateReduction != nil {
            throw TrainingError(.option, "a learning rate that decays (\(rate)) cannot be reduced on a plateau as well")
        }
    }

    /// Trains on each batch once.
    ///
    /// - Returns: The mean over the batches; the reason to end the training, or nil to continue; and whether the epoch
    ///   is complete. An epoch that is cancelled after its last batch is complete.
    private func trainEpoch(
        _ epoch: Int, _ set: TrainingSet, _ options: FitOptions, _ onBatch: (FitProgress) -> Bool
    ) -> (BatchResult, end: FitResult.End?, isWhole: Bool) {
        var sequences = Array(0..<set.count)
        if options.shuffles && !configuration.isStateful {
            var random = SplitMix64(seed: options.seed &+ UInt64(epoch))
            sequences.shuffle(by: &random)
        }
        let batches = batches(of: set, sequences, options)
        let all = batches.reduce(0) { $0 + $1.batch.sequences.count }
        var done = 0
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        for batch in batches {
            if batch.isStart && options.resetsStates { resetStates() }
            let one = train(batch.batch)
            result.add(one)
            guard one.isFinite else { return (result, .notFinite, false) }
            done += batch.batch.sequences.count
            let progress = FitProgress(
                epoch: epoch, sequences: done, allSequences: all, batch: one, result: result)
            guard onBatch(progress) else { return (result, .cancelled, done == all) }
        }
        return (result, nil, true)
    }

    private func validate(_ set: TrainingSet, _ options: FitOptions) -> BatchResult {
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        for batch in batches(of: set, Array(0..<set.count), options) {
            if batch.isStart && options.resetsStates { resetStates() }
            result.add(
                run(
                    batch.batch, trains: false, keepsState: configuration.isStateful, wantsPredictions: false))
        }
        return result
    }

    /// Divides sequences into batches, and each batch into chunks. `isStart` is true for the first chunk of a batch.
    private func batches(
        of set: TrainingSet, _ sequences: [Int], _ options: FitOptions
    ) -> [(batch: Batch, isStart: Bool)] {
        let parts =
            set.batches
            ?? stride(from: 0, to: sequences.count, by: options.batchSize).map { first in
                Array(sequences[first..<min(first + options.batchSize, sequences.count)])
            }
        return parts.flatMap { part in
            let batch = Batch(set, part)
            guard let chunk = options.chunk else { return [(batch, true)] }
            let steps = part.map { set.timesteps(of: $0) }.max() ?? 0
            return stride(from: 0, to: steps, by: chunk).map {
                (batch.chunk($0..<min($0 + chunk, steps)), $0 == 0)
            }
        }
    }
}

extension Optimizer {
    /// The initial rate, if the rate depends on the number of updates.
    fileprivate var scheduledRate: Double? {
        if case .exponentialDecay(let initial, _, _) = learningRate { initial } else { nil }
    }
}

extension Array {
    /// Shuffles with R. Durstenfeld's algorithm 235 (<https://doi.org/10.1145/364520.364540>), because the order that
    /// the standard library produces may change from version to version.
    package mutating func shuffle(by random: inout SplitMix64) {
        for last in indices.dropFirst().reversed() {
            let other = Int(random.next().multipliedFullWidth(by: UInt64(last + 1)).high)
            swapAt(last, other)
        }
    }
}

import ModelFiles
import Recurrent
import Training

/// The training runs of one pattern, which differ only in their seeds.
struct PatternTraining: Sendable {
    /// One training run, and the evaluation of its model on the held-out sequences.
    struct Trial: Sendable {
        let judgment: Judgment
        /// The mean loss on the training sequences in each epoch.
        let losses: [Double]
        /// The time that the training took on one core.
        let seconds: Double
        /// The trained model.
        let document: ModelDocument
    }

    let pattern: ModelPattern
    private let plan: ComparisonPlan
    private let sequences: ComparedSequences
    let set: TrainingSet

    /// Prepares the training runs.
    ///
    /// - Throws: ``ClientError`` if the pattern does not fit the sequences.
    init(_ pattern: ModelPattern, on sequences: ComparedSequences, _ plan: ComparisonPlan) throws(ClientError) {
        self.pattern = pattern
        self.plan = plan
        self.sequences = sequences
        let task = try Self.task(pattern, sequences, weightSeed: 0, plan)
        set = try LabelledSequences(sequences.training, name: sequences.name, division: .none, for: task).set
    }

    private static func task(
        _ pattern: ModelPattern, _ sequences: ComparedSequences, weightSeed: UInt64, _ plan: ComparisonPlan
    ) throws(ClientError) -> TrainingTask {
        let document: ModelDocument
        do {
            document = try ModelDocument.initial(
                InitialModel(pattern, sequences.sizes(of: pattern)), seed: weightSeed, source: pattern.rawValue)
        } catch {
            throw ClientError(error)
        }
        return try TrainingTask(document, path: pattern.rawValue, TrainingChoices())
    }

    /// Trains and evaluates one model.
    ///
    /// - Parameters:
    ///   - number: The index of the seed, from 0.
    ///   - goesOn: Called after each batch with the completed fraction of the training. If it returns false, the
    ///     training stops.
    ///   - onEpoch: Called after each epoch, counted from 1, with the mean loss.
    /// - Returns: The result; nil if the training was stopped.
    /// - Throws: ``ClientError`` with the status `data` if a loss is not finite.
    func run(
        seed number: Int, goesOn: (Double) -> Bool, onEpoch: (Int, Double) -> Void
    ) throws(ClientError) -> Trial? {
        var random = SplitMix64(seed: plan.seed &+ UInt64(number))
        let task = try Self.task(pattern, sequences, weightSeed: random.next(), plan)
        let trainer = try task.makeTrainer()
        let start = ThreadClock.seconds
        var losses: [Double] = []
        let orders = random.next()
        for epoch in 1...plan.epochs {
            let result = try train(trainer, epoch, seed: orders, goesOn: goesOn)
            guard result.end != .cancelled else { return nil }
            guard result.end != .notFinite, let loss = result.epochs.first?.training.loss else {
                throw ClientError(
                    .data,
                    "\(pattern.rawValue): the loss is not a number in epoch \(epoch); check the data for values that are too "
                        + "large")
            }
            losses.append(loss)
            onEpoch(epoch, loss)
        }
        let seconds = ThreadClock.seconds - start
        let document = try task.document(of: trainer)
        return Trial(
            judgment: Judgment(of: document.file.model, on: sequences.heldOut), losses: losses, seconds: seconds,
            document: document)
    }

    /// Trains one epoch. A stateful model starts each batch of sequences from the zero state.
    private func train(
        _ trainer: Trainer, _ epoch: Int, seed: UInt64, goesOn: (Double) -> Bool
    ) throws(ClientError) -> FitResult {
        var options = FitOptions(epochs: epoch, batchSize: plan.batchSize)
        options.initialEpoch = epoch - 1
        options.seed = seed
        var set = set
        if trainer.configuration.isStateful {
            options.chunk = plan.chunk
            options.resetsStates = true
            set.batches = batches(epoch, seed: seed)
        }
        do {
            return try trainer.fit(
                set, options,
                onBatch: { goesOn($0.part(of: plan.epochs)) })
        } catch {
            throw ClientError(error, path: pattern.rawValue)
        }
    }

    /// Returns the indices of the sequences in each batch of a stateful model. Every epoch has a new order.
    private func batches(_ epoch: Int, seed: UInt64) -> [[Int]] {
        var order = Array(0..<set.count)
        var random = SplitMix64(seed: seed &+ UInt64(epoch))
        order.shuffle(by: &random)
        return stride(from: 0, to: order.count, by: plan.batchSize).map { first in
            Array(order[first..<min(first + plan.batchSize, order.count)])
        }
    }
}

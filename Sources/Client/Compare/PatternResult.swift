import ModelFiles

/// The results of all training runs of one pattern.
package struct PatternResult: Encodable, Equatable, Sendable {
    /// Whether a model of the pattern makes decisions before a sequence has ended.
    package enum Decisions: String, Encodable, Sendable {
        /// A decision at every timestep.
        case everyTimestep = "yes"
        /// A decision at every timestep, if the daemon serves the model in the mode `stateful`.
        case inStatefulMode = "--mode stateful"
        /// No decision before the end.
        case none = "no"
    }

    /// The maximum difference from the final accuracy at which a curve counts as settled.
    static let tolerance = 0.01

    /// The name of the pattern.
    package let pattern: String
    /// The other name of the pattern, `model1` to `model5`.
    package let model: String
    /// The mean loss on the held-out sequences.
    package let loss: SeedFigures
    /// The accuracy on the held-out sequences.
    package let accuracy: SeedFigures
    /// The accuracy after each number of timesteps, from 1 on, averaged over the seeds; nil if the pattern needs whole
    /// sequences.
    package let curve: [Double]?
    /// The number of timesteps after which the curve stays within 0.01 of the final accuracy; nil without a curve.
    package let settled: Int?
    package let decisions: Decisions
    /// The number of weights.
    package let parameters: Int
    /// The time of one training run on one core, averaged over the seeds.
    package let trainingSeconds: Double
    /// The time that the daemon's engine takes for one timestep of a stream.
    package let nanoseconds: Double
    /// The size of one stream's state in bytes. For a pattern that needs whole sequences, the state holds the timesteps
    /// of the longest sequence.
    package let stateBytes: Int
    /// The loss on the training sequences in each epoch, averaged over the seeds.
    package let trainingLosses: [Double]

    private enum CodingKeys: String, CodingKey {
        case pattern, model, loss, accuracy, parameters
        case curve = "accuracy_after_timesteps"
        case settled = "timesteps_to_final_accuracy"
        case decisions = "decides_while_running"
        case trainingSeconds = "training_seconds"
        case nanoseconds = "timestep_ns"
        case stateBytes = "state_bytes"
        case trainingLosses = "training_losses"
    }
}

extension PatternResult {
    /// Summarizes at least one training run.
    ///
    /// - Parameters:
    ///   - pattern: The pattern.
    ///   - trials: The training runs, in seed order.
    ///   - longest: The length of the longest sequence, in timesteps.
    ///   - nanoseconds: The time of one timestep.
    init(_ pattern: ModelPattern, _ trials: [PatternTraining.Trial], longest: Int, nanoseconds: Double) {
        let model = trials[0].document.file.model
        let curve = Self.mean(trials.compactMap(\.judgment.curve))
        let kept = model.isCausal ? model.stateSize : longest * model.features
        self.init(
            pattern: pattern.rawValue, model: pattern.number, loss: SeedFigures(trials.map(\.judgment.loss)),
            accuracy: SeedFigures(trials.map(\.judgment.accuracy)), curve: model.isCausal ? curve : nil,
            settled: Self.settled(curve),
            decisions: !model.isCausal ? .none : pattern == .stateful ? .everyTimestep : .inStatefulMode,
            parameters: model.parameters, trainingSeconds: SeedFigures(trials.map(\.seconds)).mean,
            nanoseconds: nanoseconds, stateBytes: (kept + model.outputs) * MemoryLayout<Float>.stride,
            trainingLosses: Self.mean(trials.map(\.losses)))
    }

    /// Returns the element-wise mean of rows of equal length; empty if there are no rows.
    private static func mean(_ rows: [[Double]]) -> [Double] {
        guard let first = rows.first else { return [] }
        return first.indices.map { index in rows.reduce(0) { $0 + $1[index] } / Double(rows.count) }
    }

    /// Returns the number of timesteps after which a curve stays close to its final value; nil for an empty curve.
    static func settled(_ curve: [Double]) -> Int? {
        guard let final = curve.last else { return nil }
        // The margin absorbs rounding errors in the mean.
        let last = curve.lastIndex { abs($0 - final) > tolerance + 1e-9 }
        return last.map { $0 + 2 } ?? 1
    }
}

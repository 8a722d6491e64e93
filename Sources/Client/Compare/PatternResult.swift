import ModelFiles

/// The results of all trainings of one pattern.
package struct PatternResult: Encodable, Equatable, Sendable {
    /// The decisions that a model of the pattern gives while a sequence is running.
    package enum Decisions: String, Encodable, Sendable {
        /// One at every timestep.
        case everyTimestep = "yes"
        /// One at every timestep, if the daemon serves the model in the mode `stateful`.
        case inStatefulMode = "--mode stateful"
        /// None.
        case none = "no"
    }

    /// The largest difference from the final accuracy that counts as none.
    static let tolerance = 0.01

    /// The name of the pattern.
    package let pattern: String
    /// The other name of the pattern, `model1` to `model5`.
    package let model: String
    /// The mean loss of the held-out sequences.
    package let loss: SeedFigures
    /// The part of the held-out sequences that are right.
    package let accuracy: SeedFigures
    /// The mean over the seeds of the accuracy after so many timesteps, from 1 on; nil if the pattern needs whole sequences.
    package let curve: [Double]?
    /// The number of timesteps from which on the curve stays within 0.01 of the final accuracy; nil without a curve.
    package let settled: Int?
    package let decisions: Decisions
    /// The number of weights.
    package let parameters: Int
    /// The time of one training on one core: the mean over the seeds.
    package let trainingSeconds: Double
    /// The time of one timestep of a stream in the daemon's engine.
    package let nanoseconds: Double
    /// The bytes of state of one stream. A pattern that needs whole sequences keeps the timesteps of the longest one.
    package let stateBytes: Int
    /// The mean over the seeds of the loss of the training sequences, in each epoch.
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
    /// Summarizes at least one training.
    ///
    /// - Parameters:
    ///   - pattern: The pattern.
    ///   - trials: The trainings, in the order of the seeds.
    ///   - longest: The number of timesteps of the longest sequence.
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

    /// Returns the mean of rows of equal length, element by element; empty without rows.
    private static func mean(_ rows: [[Double]]) -> [Double] {
        guard let first = rows.first else { return [] }
        return first.indices.map { index in rows.reduce(0) { $0 + $1[index] } / Double(rows.count) }
    }

    /// Returns the number of timesteps from which on a curve stays close to its end; nil for an empty curve.
    static func settled(_ curve: [Double]) -> Int? {
        guard let final = curve.last else { return nil }
        // The margin hides rounding errors of the mean.
        let last = curve.lastIndex { abs($0 - final) > tolerance + 1e-9 }
        return last.map { $0 + 2 } ?? 1
    }
}

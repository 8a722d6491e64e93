import Recurrent

/// The facts about a served model that the hot path needs. The type holds no references, so copying it involves no
/// reference counting.
struct DecisionRule: Sendable {
    /// The number of values in a timestep.
    let features: Int
    /// The number of different tokens; nil for a model with numeric input.
    let vocabulary: Int?
    /// Whether streams keep timesteps, because a decision needs earlier ones.
    let keepsTimesteps: Bool
    /// The cost of a timestep, in multiply-adds: either the model's own number or the measured time converted at the
    /// usual speed, whichever is larger.
    private(set) var work: Int
    let basis: DecisionBasis
    /// Whether the end of a sequence produces a decision on each of the sequence's timesteps.
    let decidesEveryTimestepAtEnd: Bool
    /// The highest step at which the first decision after a reset can occur.
    let firstDecision: UInt64
    /// The smallest number of timesteps on which the model can decide.
    let shortestSequence: Int
    /// The largest number of timesteps that the model can take, if it needs them at once.
    let longestSequence: Int
    /// The step at which a sequence ends automatically; nil if only the `end` flag ends a sequence.
    let lastStep: UInt64?
    let emit: ServingPolicy.Emit
    let threshold: ServingPolicy.Threshold
    /// Whether the outputs are probabilities, not logits or other numbers.
    let areProbabilities: Bool
    /// Whether a gap resets the state.
    let resetsAtGap: Bool
    /// The maximum number of timesteps in a message that is admitted whole. A longer message is split into pieces of
    /// this size.
    private(set) var pieceSize: Int
    private let parameters: Int

    /// - Parameters:
    ///   - policy: The serving policy.
    ///   - served: The model.
    init(_ policy: ServingPolicy, _ served: ServableModel) {
        let model = served.model
        features = model.features
        vocabulary = if case .tokens(let vocabulary) = model.input { vocabulary } else { nil }
        basis = DecisionBasis(policy, model)
        parameters = max(1, model.parameters * basis.stepsPerTimestep)
        work = parameters
        keepsTimesteps = basis != .state
        decidesEveryTimestepAtEnd = policy.mode == .sequence && served.answersEveryTimestepAtEnd
        firstDecision = decidesEveryTimestepAtEnd ? 1 : basis.firstDecision
        shortestSequence = served.shortestSequence
        longestSequence = basis == .state ? .max : model.longestSequence(upTo: policy.maximumLength)
        lastStep = policy.mode == .sequence ? served.sequenceLength.map { UInt64($0) } : nil
        emit = policy.emit
        threshold = policy.threshold
        areProbabilities = served.answersProbabilities
        resetsAtGap = policy.gap == .reset
        pieceSize = Self.pieceSize(Self.pieceWork / 10, parameters)
    }

    /// The maximum size of a piece, in timesteps. Even with the fastest model, stepping and publishing such a piece
    /// takes a few milliseconds and produces 128 KiB of decisions.
    private static let largestPiece = 4096
    /// The number of multiply-adds that take about five milliseconds. Until the model's speed has been measured, a
    /// piece gets only a tenth of that number, in case the model is slow.
    static let pieceWork = 100_000_000
    /// The usual speed of a model, in multiply-adds per nanosecond.
    private static let usualPace = 20
    /// The shortest time that makes a useful measurement, in nanoseconds.
    private static let shortestTime: Int64 = 200_000

    private static func pieceSize(_ work: Int, _ workPerTimestep: Int) -> Int {
        min(largestPiece, max(1, work / workPerTimestep))
    }

    /// Updates the cost of a timestep from the time that it took to process a batch of waiting timesteps.
    mutating func learn(_ nanoseconds: Int64, for timesteps: Int) {
        guard nanoseconds >= Self.shortestTime else { return }
        work = max(parameters, Int(nanoseconds) * Self.usualPace / timesteps)
        pieceSize = Self.pieceSize(Self.pieceWork, work)
    }

    /// The number of timesteps until the sequence ends automatically; nil if it does not. A state that was stored in
    /// another mode may already be past the sequence length.
    func timestepsLeft(after step: UInt64) -> Int? {
        lastStep.flatMap { step < $0 ? Int($0 - step) : nil }
    }
}

extension ServingPolicy.Threshold {
    /// Returns whether the label of a single output is 1.
    ///
    /// - Parameters:
    ///   - output: The output.
    ///   - before: Whether the previous label was 1.
    /// - Returns: Whether the output is at or above the threshold that applies.
    package func isReached(by output: Float, after before: Bool) -> Bool { output >= (before ? fall : rise) }

    /// The label for the outputs of a model.
    ///
    /// - Parameters:
    ///   - outputs: Shape (outputs).
    ///   - before: The previous label. The label does not change if a single output lies between the two thresholds.
    /// - Returns: 0 or 1 for a single output, otherwise the index of the largest output.
    func label(for outputs: Span<Float>, before: UInt8) -> UInt8 {
        if outputs.count == 1 { return isReached(by: outputs[0], after: before == 1) ? 1 : 0 }
        return UInt8(outputs.indexOfLargest)
    }
}

extension Span<Float> {
    /// The index of the largest value, which is the class if there are several outputs. If several values are equally
    /// large, the first one counts.
    package var indexOfLargest: Int {
        var largest = 0
        for index in indices where self[index] > self[largest] { largest = index }
        return largest
    }
}

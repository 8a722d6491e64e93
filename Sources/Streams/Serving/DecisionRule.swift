import Recurrent

/// What the hot path asks about how a model is served. There is no reference in it, so that taking it counts none.
struct DecisionRule: Sendable {
    /// Values in a timestep.
    let features: Int
    /// How many tokens there are; nil for a model that takes numbers.
    let vocabulary: Int?
    /// Whether a decision needs timesteps before the last, so that streams keep them.
    let keepsTimesteps: Bool
    /// Multiply-adds for a timestep, or as many as the model could do in the time that it takes.
    private(set) var work: Int
    /// What decisions follow from.
    let basis: DecisionBasis
    /// Up to this step a decision is the first since the last reset.
    let firstDecision: UInt64
    /// The step at which a sequence ends by itself; nil where only its `end` flag ends it.
    let lastStep: UInt64?
    let emit: ServingPolicy.Emit
    let threshold: ServingPolicy.Threshold
    /// A jump ahead starts the state anew.
    let resetsAtGap: Bool
    /// Timesteps of one message that are taken in one go; of a longer message so many at a time.
    private(set) var pieceSize: Int
    private let parameters: Int

    /// - Parameters:
    ///   - policy: How the model is served.
    ///   - model: The weights.
    ///   - sequenceLength: Timesteps in each sequence of the mode `sequence`; nil where the model leaves it open.
    init(_ policy: ServingPolicy, _ model: Model, sequenceLength: Int?) {
        features = model.features
        vocabulary = if case .tokens(let vocabulary) = model.input { vocabulary } else { nil }
        basis = DecisionBasis(policy, model)
        parameters = max(1, model.parameters * basis.stepsPerTimestep)
        work = parameters
        keepsTimesteps = basis != .state
        firstDecision = basis.firstDecision
        lastStep = policy.mode == .sequence ? sequenceLength.map { UInt64($0) } : nil
        emit = policy.emit
        threshold = policy.threshold
        resetsAtGap = policy.gap == .reset
        pieceSize = Self.pieceSize(Self.pieceWork / 10, parameters)
    }

    /// So many timesteps of the quickest model take a few milliseconds with all that is around them, and are 128 KiB of
    /// decisions.
    private static let largestPiece = 4096
    /// Multiply-adds of about five milliseconds. Before it is known how long a model takes, a tenth of it: some take long.
    static let pieceWork = 100_000_000
    /// Multiply-adds in a nanosecond that are taken for usual.
    private static let usualPace = 20
    /// A shorter time says little.
    private static let shortestTime: Int64 = 200_000

    private static func pieceSize(_ work: Int, _ workPerTimestep: Int) -> Int {
        min(largestPiece, max(1, work / workPerTimestep))
    }

    /// Learns how long timesteps of one stream after another took.
    mutating func learn(_ nanoseconds: Int64, for timesteps: Int) {
        guard nanoseconds >= Self.shortestTime else { return }
        work = max(parameters, Int(nanoseconds) * Self.usualPace / timesteps)
        pieceSize = Self.pieceSize(Self.pieceWork, work)
    }

    /// Timesteps until a sequence ends by itself; nil where it does not, as one that a state of another mode has already
    /// made longer.
    func timestepsLeft(after step: UInt64) -> Int? {
        lastStep.flatMap { step < $0 ? Int($0 - step) : nil }
    }
}

extension ServingPolicy.Threshold {
    /// The label that follows from a model's answer.
    ///
    /// - Parameters:
    ///   - outputs: Shape (outputs).
    ///   - before: The label before, which one output between two thresholds keeps.
    /// - Returns: 0 or 1 for one output, else the index of the largest.
    func label(for outputs: Span<Float>, before: UInt8) -> UInt8 {
        if outputs.count == 1 {
            let bound = before == 1 ? fall : rise
            return outputs[0] >= bound ? 1 : 0
        }
        var largest = 0
        for index in outputs.indices where outputs[index] > outputs[largest] { largest = index }
        return UInt8(largest)
    }
}

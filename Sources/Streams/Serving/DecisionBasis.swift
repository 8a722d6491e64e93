import Recurrent

/// What a stream's decisions follow from, and so what it remembers from message to message.
enum DecisionBasis: Equatable, Sendable {
    /// The state that the timestep decided on leaves: a decision is due at every timestep.
    case state
    /// All timesteps of a sequence: a decision is due where the sequence ends, if it has at most so many.
    case sequence(maximum: Int)
    /// The last timesteps.
    case window(ServingPolicy.Window)

    init(_ policy: ServingPolicy, _ model: Model) {
        switch policy.mode {
        case .window(let window): self = .window(window)
        case .sequence where !model.isCausal: self = .sequence(maximum: policy.maximumLength)
        case .stateful, .sequence:
            precondition(model.isCausal, "whoever chooses the mode checks it first")
            self = .state
        }
    }

    /// Whether a decision is due at a step, though nothing ends there.
    func isDue(at step: UInt64) -> Bool {
        switch self {
        case .state: true
        case .sequence: false
        case .window(let window):
            step >= UInt64(window.length) && (step - UInt64(window.length)).isMultiple(of: UInt64(window.stride))
        }
    }

    /// Timesteps from one decision that is due to the next.
    var stride: Int {
        switch self {
        case .state: 1
        case .sequence: .max
        case .window(let window): window.stride
        }
    }

    /// How many timesteps the model takes for each that comes, on average.
    var stepsPerTimestep: Int {
        switch self {
        case .state, .sequence: 1
        case .window(let window): max(1, window.length / window.stride)
        }
    }

    /// Up to this step a decision is the first since the last reset.
    var firstDecision: UInt64 {
        switch self {
        case .state: 1
        case .sequence: .max
        case .window(let window): UInt64(window.length)
        }
    }

    /// Whether so many kept timesteps can be what a stream remembers at a step.
    func canKeep(_ timesteps: Int, at step: UInt64) -> Bool {
        switch self {
        case .state: timesteps == 0
        // A sequence that has become too long keeps none.
        case .sequence: timesteps == 0 || UInt64(timesteps) == step
        case .window(let window): UInt64(timesteps) == min(step, UInt64(window.length))
        }
    }

    /// Whether a stream that keeps so many timesteps can keep one more, and so come to a step: a window always can, but a
    /// sequence only if all of it is there and it does not become too long.
    func canGrow(_ timesteps: Int, to step: UInt64) -> Bool {
        guard case .sequence(let maximum) = self else { return true }
        return UInt64(timesteps) + 1 == step && step <= UInt64(maximum)
    }

    /// What an image's fingerprint has after that of the weights. State by itself has nothing there: all images of
    /// earlier versions are such.
    var fingerprintSuffix: String {
        switch self {
        case .state: ""
        case .sequence: ":sequence"
        case .window(let window): ":window:\(window.length)"
        }
    }
}

import Recurrent

/// The basis on which a model decides. It determines which data a stream keeps between messages.
enum DecisionBasis: Equatable, Sendable {
    /// The state after a timestep. Each timestep produces a decision.
    case state
    /// All timesteps of a sequence. The end of a sequence produces a decision, unless the sequence is longer than the
    /// maximum.
    case sequence(maximum: Int)
    /// The last timesteps of the stream. A decision is due every few timesteps.
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

    /// Whether a decision is due at a step, even if no sequence ends there.
    func isDue(at step: UInt64) -> Bool {
        switch self {
        case .state: true
        case .sequence: false
        case .window(let window):
            step >= UInt64(window.length) && (step - UInt64(window.length)).isMultiple(of: UInt64(window.stride))
        }
    }

    /// The number of timesteps between decisions.
    var stride: Int {
        switch self {
        case .state: 1
        case .sequence: .max
        case .window(let window): window.stride
        }
    }

    /// The average number of timesteps that the model steps per incoming timestep.
    var stepsPerTimestep: Int {
        switch self {
        case .state, .sequence: 1
        case .window(let window): max(1, window.length / window.stride)
        }
    }

    /// The highest step at which the first decision after a reset can occur. Up to this step, there is no earlier
    /// decision since the reset.
    var firstDecision: UInt64 {
        switch self {
        case .state: 1
        case .sequence: .max
        case .window(let window): UInt64(window.length)
        }
    }

    /// Whether a stream at the given step can hold the given number of timesteps.
    func canKeep(_ timesteps: Int, at step: UInt64) -> Bool {
        switch self {
        case .state: timesteps == 0
        // A sequence that has become too long keeps no timesteps.
        case .sequence: timesteps == 0 || UInt64(timesteps) == step
        case .window(let window): UInt64(timesteps) == min(step, UInt64(window.length))
        }
    }

    /// Whether a stream that holds the given number of timesteps can keep one more and thus reach the given step. A
    /// window can always grow. A sequence can grow if it is complete so far and does not become too long.
    func canGrow(_ timesteps: Int, to step: UInt64) -> Bool {
        guard case .sequence(let maximum) = self else { return true }
        return UInt64(timesteps) + 1 == step && step <= UInt64(maximum)
    }

    /// The suffix that follows the weights' fingerprint in an image's fingerprint. For `state`, the suffix is empty, as
    /// in all images of earlier versions.
    var fingerprintSuffix: String {
        switch self {
        case .state: ""
        case .sequence: ":sequence"
        case .window(let window): ":window:\(window.length)"
        }
    }
}

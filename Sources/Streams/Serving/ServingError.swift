import Recurrent

/// The reason why a model cannot be served under a policy.
public struct ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The conflicts between a model and a policy.
    public enum Code: Equatable, Sendable {
        /// The model cannot be served in the mode `stateful`.
        case mode
        /// The model cannot take a window or a sequence of the length that the policy states.
        case length
        /// The policy asks for decisions on timesteps for which the model has no outputs.
        case emit
        /// The model's sequences are longer than the policy allows.
        case maximumLength
        /// A stream would keep more timesteps than the store can hold.
        case size
        /// The threshold is outside the range of the model's outputs.
        case threshold
    }

    /// The conflict between the model and the policy.
    public let code: Code
    /// The problem, and the modes or options that would work.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension ServingPolicy {
    /// The maximum size of the timesteps that one stream may keep, in bytes. A row in the store is limited to 1 GB.
    static let maximumKeptBytes = 500_000_000

    /// Checks that a model can be served under this policy.
    ///
    /// - Parameter served: The model.
    /// - Throws: ``ServingError``, which names possible alternatives.
    package func check(_ served: ServableModel) throws(ServingError) {
        try served.check(mode, emit: emit)
        switch mode {
        case .window(let window):
            try checkSize(of: window.length, served.model, remedy: "a shorter window")
        case .sequence where !served.model.isCausal:
            if let length = served.sequenceLength, length > maximumLength {
                throw ServingError(
                    .maximumLength,
                    "the model's sequences have \(length) timesteps, more than the \(maximumLength) that may be "
                        + "buffered; ask for a max_length of \(length)")
            }
            if maximumLength < served.shortestSequence {
                throw ServingError(
                    .length,
                    "the model needs sequences of \(served.shortestSequence) timesteps, more than the \(maximumLength) "
                        + "that may be buffered; ask for a max_length of \(served.shortestSequence) or more")
            }
            try checkSize(
                of: served.sequenceLength ?? maximumLength, served.model, remedy: "a smaller max_length")
        case .stateful, .sequence: break
        }
    }

    private func checkSize(of timesteps: Int, _ model: Model, remedy: String) throws(ServingError) {
        let most = Self.maximumKeptBytes / (model.features * MemoryLayout<Float>.size)
        guard timesteps <= most else {
            throw ServingError(
                .size,
                "a stream would keep \(timesteps) timesteps of \(model.features) values, and \(most) are the most that "
                    + "can be stored; ask for \(remedy)")
        }
    }
}

package import Recurrent

/// The reason why a model cannot be served under a policy.
public struct ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The conflicts between a model and a policy.
    public enum Code: Equatable, Sendable {
        /// The model cannot be served in the mode `stateful`.
        case mode
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

    /// Checks that the model can be served under this policy.
    ///
    /// - Parameters:
    ///   - model: The weights.
    ///   - isStateful: Whether the model is stateful in Keras, which means that it keeps its state between calls.
    ///   - sequenceLength: The length of each of the model's sequences; nil if the model leaves it open.
    /// - Throws: ``ServingError``, which names possible alternatives.
    package func check(_ model: Model, isStateful: Bool = false, sequenceLength: Int?) throws(ServingError) {
        switch mode {
        case .stateful:
            // If the model is not stateful in Keras, pooling covers all timesteps since the reset, as the rest of the
            // model does.
            guard !isStateful || !model.hasPooling else {
                throw ServingError(
                    .mode,
                    "Keras pools the timesteps of each call by themselves, so that a stateful answer would hang on how "
                        + "they are cut into calls; serve it in the mode sequence or window:LENGTH:STRIDE")
            }
            guard model.isCausal else {
                throw ServingError(
                    .mode,
                    "the model needs whole sequences, so the mode stateful has no state to carry on; serve it in the "
                        + "mode sequence or window:LENGTH:STRIDE")
            }
        case .window(let window):
            try checkSize(of: window.length, model, remedy: "a shorter window")
        case .sequence where !model.isCausal:
            guard emit == .final || emit == .change else {
                throw ServingError(
                    .emit,
                    "the model answers only to whole sequences, so it cannot publish '\(emit.rawValue)'; ask for emit "
                        + "final or change, or serve it in the mode window:LENGTH:STRIDE")
            }
            if let sequenceLength, sequenceLength > maximumLength {
                throw ServingError(
                    .maximumLength,
                    "the model's sequences have \(sequenceLength) timesteps, more than the \(maximumLength) that may be "
                        + "buffered; ask for a max_length of \(sequenceLength)")
            }
            try checkSize(of: sequenceLength ?? maximumLength, model, remedy: "a smaller max_length")
        case .sequence: break
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

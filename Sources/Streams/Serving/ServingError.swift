public import Recurrent

/// Why a model cannot be served as it is asked for.
public struct ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What does not go together.
    public enum Code: Equatable, Sendable {
        /// The mode needs a state, and the model has none between two timesteps.
        case mode
        /// The decisions asked for fall where the model has no answer.
        case emit
        /// The model's own sequences are longer than they may be.
        case maximumLength
        /// A stream would keep more timesteps than can be stored.
        case size
    }

    /// What does not go together.
    public let code: Code
    /// What was wrong, and which mode or option can.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension ServingPolicy {
    /// The most bytes of timesteps that one stream may keep: the store holds less than 1 GB in a row.
    static let maximumKeptBytes = 500_000_000

    /// Whether a model can be served so.
    ///
    /// - Parameters:
    ///   - model: The weights.
    ///   - isStateful: Whether Keras itself carries its state from call to call.
    ///   - sequenceLength: Timesteps in each of its sequences; nil where the model leaves it open.
    /// - Throws: ``ServingError`` that names what can be asked for instead.
    public func check(_ model: Model, isStateful: Bool = false, sequenceLength: Int?) throws(ServingError) {
        switch mode {
        case .stateful:
            // Of a model that is not stateful in Keras, the pool goes over all timesteps since the reset, as all of it does.
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

package import Recurrent

/// A model, with the facts from its file that determine the modes in which the model can be served.
///
/// The daemon and the tool's offline commands both use this type's rules. They therefore refuse the same modes, in the
/// same words.
package struct ServableModel: Sendable {
    /// The largest number of outputs in a decision.
    private static let maximumOutputs = 255

    /// The weights.
    package let model: Model
    /// Whether the model is stateful in Keras, which means that it keeps its state between calls.
    package let isStateful: Bool
    /// Whether the model answers every timestep, because its last recurrent layer returns sequences.
    package let answersEveryTimestep: Bool
    /// The number of timesteps in each sequence; nil if the model leaves it open.
    package let sequenceLength: Int?
    /// Whether the outputs are probabilities, not logits or other numbers.
    package let answersProbabilities: Bool
    /// The smallest number of timesteps of a sequence or window.
    package let shortestSequence: Int

    /// Describes a model. Each parameter sets the property of the same name.
    package init(
        _ model: Model, isStateful: Bool = false, answersEveryTimestep: Bool = false, sequenceLength: Int? = nil,
        answersProbabilities: Bool = true
    ) {
        self.model = model
        self.isStateful = isStateful
        self.answersEveryTimestep = answersEveryTimestep
        self.sequenceLength = sequenceLength
        self.answersProbabilities = answersProbabilities
        let answersEveryOne = answersEveryTimestep && !model.keepsTimesteps
        shortestSequence = (answersEveryOne ? sequenceLength : nil) ?? model.shortestSequence
    }

    /// The mode in which the model is served unless another one is requested.
    package var standardMode: ServingPolicy.Mode { isStateful ? .stateful : .sequence }

    /// Whether all answers to a sequence become known only at its end.
    package var answersEveryTimestepAtEnd: Bool { answersEveryTimestep && !model.isCausal }

    /// The reason why the daemon cannot serve the model in any mode; nil if it can.
    package var outputRefusal: String? {
        guard model.outputs > Self.maximumOutputs else { return nil }
        return "the model has \(model.outputs) outputs, but a decision holds at most \(Self.maximumOutputs)"
    }

    /// Returns the reason why the model cannot be served in a mode; nil if it can be.
    package func refusal(of mode: ServingPolicy.Mode) -> ServingError? {
        guard mode == .stateful else { return nil }
        // If the model is not stateful in Keras, these parts are no obstacle: like the rest of the model, they cover
        // all timesteps since the reset.
        if isStateful, let perCall = model.perCall {
            let reason =
                switch perCall {
                case .pooling: "Keras pools the timesteps of each call by themselves"
                case .convolution: "Keras' convolution starts anew at each call"
                }
            return ServingError(
                .mode,
                "\(reason), so that a stateful answer would depend on how the timesteps are divided into calls; serve "
                    + "it in the mode sequence or window:LENGTH:STRIDE")
        }
        guard model.isCausal else {
            return ServingError(
                .mode,
                "the model needs whole sequences, so the mode stateful has no state to carry on; serve it in the mode "
                    + "sequence or window:LENGTH:STRIDE")
        }
        return nil
    }

    /// Returns the reason why the model cannot take a sequence or window; nil if it can.
    ///
    /// - Parameter count: The number of timesteps, at least 1.
    /// - Returns: The end of a sentence about the sequence or window.
    package func refusal(ofLength count: Int) -> String? {
        guard count < shortestSequence || model.timesteps(of: count) == nil else { return nil }
        if count > shortestSequence, model.longestSequence(upTo: count) > shortestSequence {
            return "has \(count) timesteps, but the model's layers can take at most "
                + "\(model.longestSequence(upTo: count)); split it"
        }
        return "has \(count) timesteps, but the model needs \(lengthInWords)"
    }

    /// The number of timesteps that the model needs: `at least 3` or `exactly 3`.
    package var lengthInWords: String {
        let isExact = model.timesteps(of: shortestSequence + 1) == nil || sequenceLength == shortestSequence
        return "\(isExact ? "exactly" : "at least") \(shortestSequence)"
    }

    /// Checks that the model gives the decisions that a policy asks for.
    ///
    /// - Parameters:
    ///   - mode: The mode.
    ///   - emit: The decisions to publish.
    /// - Throws: ``ServingError``, which names possible alternatives.
    package func check(_ mode: ServingPolicy.Mode, emit: ServingPolicy.Emit) throws(ServingError) {
        if let refusal = refusal(of: mode) { throw refusal }
        if case .window(let window) = mode, let words = refusal(ofLength: window.length) {
            throw ServingError(
                .length,
                "a window \(words); serve it in the mode window:\(shortestSequence):\(window.stride) or sequence")
        }
        guard mode == .sequence, !model.isCausal, !answersEveryTimestep, emit == .every || emit == .last else { return }
        throw ServingError(
            .emit,
            "the model answers only to whole sequences, so it cannot publish '\(emit.rawValue)'; ask for emit final or "
                + "change, or serve it in the mode window:LENGTH:STRIDE")
    }
}

import Recurrent

/// The values of a group of sequences between two layers, and the timesteps that the next layer skips.
struct Signal<Scalar: ReferenceScalar> {
    /// Shape (steps, width, lanes).
    var values: Values<Scalar>
    /// The number of timesteps.
    var steps: Int
    /// Keras' mask, shape (steps, lanes): 1 at each timestep to skip, otherwise 0. Nil if no timestep is masked.
    var masked: Values<Scalar>?
    /// The ends of sequences, shape (steps, lanes): 1 at each timestep after the end of a sequence that is shorter than
    /// the longest in its group, otherwise 0. Nil if all sequences are equally long.
    var ended: Values<Scalar>?
    /// The timesteps to skip in a layer that consumes masks: the masked ones and the ones after the end. Same shape as
    /// the masks; nil if there are none.
    var skipped: Values<Scalar>?

    /// Returns a signal with only the last timestep.
    func last(width: Int, lanes: Int) -> Signal {
        let before = (steps - 1) * lanes
        return Signal(
            values: values + before * width, steps: 1, masked: masked.map { $0 + before },
            ended: ended.map { $0 + before }, skipped: skipped.map { $0 + before })
    }

    /// Returns the same timesteps with other values.
    func with(_ values: Values<Scalar>) -> Signal {
        var signal = self
        signal.values = values
        return signal
    }

    /// Returns the output of a layer that discards masks, with the same timesteps as this signal.
    func withoutMask(_ values: Values<Scalar>) -> Signal {
        Signal(values: values, steps: steps, masked: nil, ended: ended, skipped: ended)
    }
}

/// The settings of one pass through all layers.
struct PassContext {
    /// Whether layers that act only in training, such as dropout, are active.
    var isTraining: Bool
    /// The seed for the random numbers of this group in this batch.
    var seed: UInt64
}

/// One layer's pass over a group of sequences, forward and backward.
///
/// `memory` belongs to the layer from the forward pass to the end of the backward pass. Each conforming type documents
/// the layout.
protocol TrainingPass<Scalar>: Sendable {
    associatedtype Scalar: ReferenceScalar

    /// The width of one timestep of the output.
    var units: Int { get }

    /// The number of values in `memory` for sequences of `steps` timesteps.
    func memorySize(steps: Int) -> Int

    /// Computes the outputs.
    ///
    /// - Parameters:
    ///   - input: The outputs of the previous layer.
    ///   - memory: Receives the outputs and the values that the backward pass needs.
    ///   - weights: The layer's weights, one after another.
    ///   - state: The state before the first timestep, shape (stateSize, lanes). The pass replaces it with the state
    ///     after the last timestep.
    ///   - context: The settings of the pass.
    /// - Returns: The outputs, in `memory`.
    func forward(
        _ input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar>

    /// Computes the gradients.
    ///
    /// - Parameters:
    ///   - dy: The gradient of the outputs, in their shape; overwritten.
    ///   - input: The input of the forward pass.
    ///   - memory: The values that the forward pass left in `memory`; overwritten.
    ///   - weights: The layer's weights.
    ///   - gradient: The gradient of the weights, to which the layer adds.
    ///   - dx: Receives the gradient of the input, in its shape; nil if nothing needs it.
    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?)
}

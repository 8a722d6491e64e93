import Recurrent

/// The values of a group of sequences between two layers, and the timesteps that the next layer skips.
struct Signal<Scalar: ReferenceScalar> {
    /// Shape (steps, width, lanes).
    var values: Values<Scalar>
    /// The number of timesteps.
    var steps: Int
    /// Where Keras' mask skips a timestep, shape (steps, lanes) of 0 and 1; nil for nowhere.
    var masked: Values<Scalar>?
    /// Where a sequence has ended before the longest of its group, likewise.
    var ended: Values<Scalar>?
    /// Where a layer that consumes masks skips a timestep: one of the two above.
    var skipped: Values<Scalar>?

    /// The last timestep alone.
    func last(width: Int) -> Signal {
        let before = (steps - 1) * Tile.lanes
        return Signal(
            values: values + before * width, steps: 1, masked: masked.map { $0 + before },
            ended: ended.map { $0 + before }, skipped: skipped.map { $0 + before })
    }

    /// The same timesteps with other values.
    func with(_ values: Values<Scalar>) -> Signal {
        var signal = self
        signal.values = values
        return signal
    }

    /// The same timesteps for a layer behind one that discards masks.
    func withoutMask(_ values: Values<Scalar>) -> Signal {
        Signal(values: values, steps: steps, masked: nil, ended: ended, skipped: ended)
    }
}

/// The circumstances of a pass through all layers.
struct PassContext {
    /// Whether layers like dropout act.
    var isTraining: Bool
    /// The seed of the random numbers of this group in this batch.
    var seed: UInt64
}

/// One layer's pass over a group of sequences, forward and back.
///
/// `memory` belongs to the layer from the forward pass to the end of the backward pass. Conforming types state its layout.
protocol TrainingPass<Scalar>: Sendable {
    associatedtype Scalar: ReferenceScalar

    /// The width of one timestep of the output.
    var units: Int { get }

    /// The number of values of memory for sequences of `steps` timesteps.
    func memorySize(steps: Int) -> Int

    /// Computes the outputs.
    ///
    /// - Parameters:
    ///   - input: The outputs of the layer before.
    ///   - memory: Receives the outputs and the values that the backward pass needs.
    ///   - weights: The layer's weights, one after another.
    ///   - state: The state before the first timestep, shape (stateSize, lanes). The pass replaces it with the state after the last.
    ///   - context: The circumstances.
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
    ///   - memory: The memory of the forward pass; overwritten.
    ///   - weights: The layer's weights.
    ///   - gradient: The gradient of the weights, to which the layer adds.
    ///   - dx: Receives the gradient of the input, in its shape; nil if nothing needs it.
    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?)
}

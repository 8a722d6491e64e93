import Recurrent

/// An ``Embedding``, which is always a model's first layer.
///
///     y = E[token]
///     dE[token] = Σ dy
///
/// The gradient is the sum over all occurrences of a token in the batch, as Keras computes it on JAX. `memory` holds y,
/// shape (steps, units, lanes), and two masks, shape (steps, lanes) each.
struct EmbeddingPass<Scalar: ReferenceScalar>: TrainingPass {
    let vocabulary: Int
    let units: Int
    let masksZero: Bool
    let lanes: Int

    init(_ layer: Embedding, lanes: Int) {
        self.lanes = lanes
        vocabulary = layer.vocabulary
        units = layer.units
        masksZero = layer.masksZero
    }

    func memorySize(steps: Int) -> Int { steps * (units + 2) * lanes }

    /// Returns the token that a value denotes. A value outside the vocabulary selects token 0, as in ``Embedding``.
    func number(of value: Scalar) -> Int { value >= 0 && value < Scalar(vocabulary) ? Int(value) : 0 }

    private func row(of value: Scalar) -> Int { number(of: value) * units }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        for t in 0..<input.steps {
            for lane in 0..<lanes {
                let vector = weights + row(of: input.values[t * lanes + lane])
                for k in 0..<units { y[(t * units + k) * lanes + lane] = vector[k] }
            }
        }
        guard masksZero else { return input.withoutMask(y) }
        let masked = y + input.steps * units * lanes
        for k in 0..<input.steps * lanes { masked[k] = input.values[k] == 0 ? 1 : 0 }
        return input.masked(masked, skipped: masked + input.steps * lanes, values: y, lanes: lanes)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        for t in 0..<input.steps {
            for lane in 0..<lanes {
                let vector = gradient + row(of: input.values[t * lanes + lane])
                for k in 0..<units { vector[k] += dy[(t * units + k) * lanes + lane] }
            }
        }
    }
}

extension Signal {
    /// Returns the output of a layer that generates a mask, with the same timesteps as this signal.
    ///
    /// - Parameters:
    ///   - masked: The mask.
    ///   - skipped: Receives the timesteps that are masked or after the end, in the mask's shape.
    ///   - values: The layer's outputs.
    ///   - lanes: The number of lanes.
    /// - Returns: The layer's outputs, with the mask.
    func masked(
        _ masked: Values<Scalar>, skipped: Values<Scalar>, values: Values<Scalar>, lanes: Int
    ) -> Signal {
        for k in 0..<steps * lanes { skipped[k] = max(masked[k], ended?[k] ?? 0) }
        return Signal(values: values, steps: steps, masked: masked, ended: ended, skipped: skipped)
    }
}

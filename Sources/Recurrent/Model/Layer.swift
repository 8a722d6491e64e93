/// One layer of a model with its weights.
///
/// A new kind of layer is one file: a type that conforms, and its step. The step also needs a row in the table of ``LayerStep``.
/// Most layers are a ``TimestepLayer``.
package protocol Layer: Sendable {
    /// The width of one timestep of the input; 1 for a token.
    var features: Int { get }

    /// The width of one timestep of the output.
    var units: Int { get }

    /// The layer's weights in Keras' order.
    var weights: [Tensor] { get }

    /// The number of weights by Keras' count.
    var parameters: Int { get }

    /// The layer without its weights, in one line. Equal layers have equal lines, because a model's fingerprint contains them.
    var architecture: String { get }

    /// The layer's effect on masks, and their effect on the layer.
    var maskRule: MaskRule { get }

    /// Copies the weights to where the hot path reads them, and returns the layer's pass over a sequence.
    func makePass(in weights: inout WeightBuffer) -> LayerPass
}

extension Layer {
    package var parameters: Int { weights.reduce(0) { $0 + $1.values.count } }
    package var maskRule: MaskRule { .propagates }
}

/// A layer that needs only the current timestep and its own state.
package protocol TimestepLayer: Layer {
    /// Copies the weights to where the hot path reads them, and returns the layer's step.
    func makeStep(in weights: inout WeightBuffer) -> LayerStep
}

extension TimestepLayer {
    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(.forward(makeStep(in: &weights)))
    }
}

/// A layer that carries a hidden state from timestep to timestep. The hidden state is also the layer's output.
package protocol RecurrentLayer: TimestepLayer {}

extension RecurrentLayer {
    package var maskRule: MaskRule { .consumes }
}

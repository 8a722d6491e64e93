/// One layer of a model with its weights.
///
/// To add a kind of layer, write one file with a conforming type and its step, and add the step to ``LayerStep/Kind``.
/// Most layers conform to ``TimestepLayer``.
package protocol Layer: Sendable {
    /// The width of one timestep of the input; 1 for a token.
    var features: Int { get }

    /// The width of one timestep of the output.
    var units: Int { get }

    /// The number of different tokens if a timestep of the input is a token; otherwise nil.
    var tokenCount: Int? { get }

    /// The layer's weights in Keras' order.
    var weights: [Tensor] { get }

    /// The number of weights, as Keras counts them.
    var parameters: Int { get }

    /// A one-line description of the layer without its weights. Equal layers must have equal descriptions, because a
    /// model's fingerprint depends on them.
    var architecture: String { get }

    /// The layer's effect on masks, and the effect of masks on the layer.
    var maskRule: MaskRule { get }

    /// Whether training can pass a gradient through the layer.
    var hasGradient: Bool { get }

    /// Whether no output depends on a later timestep, so that the layer can step timestep by timestep.
    var isCausal: Bool { get }

    /// The part of the layer that Keras computes anew in each call, even in a stateful model; nil if there is none.
    var perCall: PerCall? { get }

    /// Returns the number of output timesteps for a sequence.
    ///
    /// - Parameter count: The number of input timesteps, at least 1.
    /// - Returns: At least 1, or nil if the layer cannot take a sequence of this length.
    func timesteps(of count: Int) -> Int?

    /// Copies the weights into the model's buffer, and returns the layer's pass over a sequence.
    func makePass(in weights: inout WeightBuffer) -> LayerPass
}

extension Layer {
    package var tokenCount: Int? { nil }
    package var parameters: Int { weights.reduce(0) { $0 + $1.values.count } }
    package var maskRule: MaskRule { .propagates }
    package var hasGradient: Bool { true }
    package var isCausal: Bool { false }
    package var perCall: PerCall? { nil }
    package func timesteps(of count: Int) -> Int? { count }
}

/// A computation over several timesteps that Keras restricts to the timesteps of one call, even in a stateful model.
package enum PerCall: Equatable, Sendable {
    /// A mean or a maximum over all timesteps.
    case pooling
    /// A convolution over several timesteps.
    case convolution
}

/// A layer that needs only the current timestep and its own state.
package protocol TimestepLayer: Layer {
    /// Copies the weights into the model's buffer, and returns the layer's step.
    func makeStep(in weights: inout WeightBuffer) -> LayerStep
}

extension TimestepLayer {
    package var isCausal: Bool { true }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(.forward(makeStep(in: &weights)))
    }
}

/// A layer that carries a hidden state from timestep to timestep. The hidden state is also the layer's output.
package protocol RecurrentLayer: TimestepLayer {}

extension RecurrentLayer {
    package var maskRule: MaskRule { .consumes }
}

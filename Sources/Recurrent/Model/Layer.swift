/// One layer of a model with its weights.
///
/// A new kind of layer is a file of its own, with a type that conforms and its step, and a row in the table of
/// ``LayerStep``. Most layers are a ``TimestepLayer``.
package protocol Layer: Sendable {
    /// The width of one timestep of the layer's input; 1 for a token.
    var features: Int { get }

    /// The width of one timestep of the layer's output.
    var units: Int { get }

    /// The layer's weights in Keras' order.
    var weights: [Tensor] { get }

    /// How many weights the layer has by Keras' count.
    var parameters: Int { get }

    /// The layer without its weights, in one line that is the same for equal layers: what a fingerprint is made from.
    var architecture: String { get }

    /// What the layer does about masked timesteps.
    var maskRule: MaskRule { get }

    /// Puts the weights where the hot path reads them, and says how the layer goes over a sequence.
    func pass(in weights: inout WeightBuffer) -> LayerPass
}

extension Layer {
    package var parameters: Int { weights.reduce(0) { $0 + $1.values.count } }
    package var maskRule: MaskRule { .passes }
}

/// A layer that needs no more than one timestep at a time, and what it remembers of those before.
package protocol TimestepLayer: Layer {
    /// Puts the weights where the hot path reads them, and makes the layer's step.
    func step(in weights: inout WeightBuffer) -> LayerStep
}

extension TimestepLayer {
    package func pass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(.forwards(step(in: &weights)))
    }
}

/// A layer that carries a hidden state from timestep to timestep, which is also its output.
package protocol RecurrentLayer: TimestepLayer {}

extension RecurrentLayer {
    package var maskRule: MaskRule { .heeds }
}

/// What a recurrent layer gives at a masked timestep, at which its state does not change.
public enum MaskedOutput: Equatable, Sendable {
    /// The output of the last timestep that was not masked; zeros before the first.
    case lastOutput
    /// Zeros: Keras' `zero_output_for_mask`.
    case zeros

    var whenMasked: LayerStep.MaskedTimestep {
        switch self {
        case .lastOutput: .held
        case .zeros: .zeroed
        }
    }

    /// What it adds to a layer's ``Layer/architecture``.
    var architecture: String { self == .zeros ? " zero_output_for_mask=true" : "" }
}

/// What a layer does about masked timesteps: those that Keras' Masking and `mask_zero` say to leave out
/// (<https://keras.io/guides/understanding_masking_and_padding/>).
package enum MaskRule: Equatable, Sendable {
    /// Takes each timestep, masked or not; the next layer has the same mask.
    case passes
    /// Takes each timestep; the next layer knows of no mask.
    case ends
    /// Says itself which timesteps are masked.
    case makes
    /// Leaves masked timesteps out: neither its state nor its output changes. The next layer has the same mask.
    case heeds
}

/// How a layer goes over a sequence. Made by layers; only the engine looks into it.
package struct LayerPass {
    enum Way {
        /// From the first timestep to the last: each output needs nothing of what comes later.
        case forwards(LayerStep)
        /// From the last timestep to the first. The outputs come in that order.
        case backwards(LayerStep)
        /// Both, each with its own weights and state.
        case bothWays(Bidirectional.Pass)
    }

    let way: Way

    init(_ way: Way) {
        self.way = way
    }

    /// Whether each output needs nothing of what comes later.
    var isCausal: Bool {
        if case .forwards = way { true } else { false }
    }

    /// Whether an output depends on other timesteps than its own.
    var hasMemory: Bool {
        if case .forwards(let step) = way { step.stateSize > 0 } else { true }
    }

    /// Floats of state during the pass; of two ways, of the one that has more.
    var stateSize: Int { steps.map { $0.stateSize }.max() ?? 0 }

    /// Floats of working memory during a step.
    var scratchSize: Int { steps.map { $0.scratchSize }.max() ?? 0 }

    /// Has every timestep taken: no mask reaches the layer.
    mutating func ignoreMask() {
        switch way {
        case .forwards(let step): self = LayerPass(.forwards(step.ignoringMask))
        case .backwards(let step): self = LayerPass(.backwards(step.ignoringMask))
        case .bothWays(var pass):
            pass.forward = pass.forward.ignoringMask
            pass.backward = pass.backward.ignoringMask
            self = LayerPass(.bothWays(pass))
        }
    }

    private var steps: [LayerStep] {
        switch way {
        case .forwards(let step), .backwards(let step): [step]
        case .bothWays(let pass): [pass.forward, pass.backward]
        }
    }
}

/// The effect of masks on a layer, and the layer's effect on the mask that the next layer gets. A mask marks the
/// timesteps to skip. In Keras, Masking and `mask_zero` generate masks
/// (<https://keras.io/guides/understanding_masking_and_padding/>).
package enum MaskRule: Equatable, Sendable {
    /// The layer steps masked timesteps too. The next layer gets the same mask.
    case propagates
    /// The layer steps masked timesteps too. The next layer gets no mask.
    case discards
    /// The layer decides which timesteps are masked.
    case generates
    /// The layer skips masked timesteps, so its state does not change. The next layer gets the same mask.
    case consumes
}

/// A recurrent layer's output at a masked timestep. The timestep does not change the layer's state.
package enum MaskedOutput: Equatable, Sendable {
    /// The output of the last unmasked timestep; zeros before the first.
    case lastOutput
    /// Zeros: Keras' `zero_output_for_mask`.
    case zeros

    var whenMasked: LayerStep.MaskBehavior {
        switch self {
        case .lastOutput: .repeatsOutput
        case .zeros: .givesZeros
        }
    }

    /// The part of a layer's ``Layer/architecture`` that states the masked output.
    var architecture: String { self == .zeros ? " zero_output_for_mask=true" : "" }
}

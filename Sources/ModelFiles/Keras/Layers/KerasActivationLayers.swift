import FoundationEssentials
import Recurrent

/// A layer without weights that applies a function to each value of a timestep.
protocol KerasElementwiseLayer: KerasLayer {}

extension KerasElementwiseLayer {
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try input.withKnownFeatures()
    }
}

/// Keras' Activation (<https://keras.io/api/layers/core_layers/activation/>).
struct KerasActivationLayer: KerasElementwiseLayer {
    static let className = "Activation"

    let activation: Activation

    private enum Option: CodingKey {
        case activation
    }

    init(from decoder: any Decoder) throws {
        activation = try decoder.container(keyedBy: Option.self).activation(.activation, standard: .linear)
    }

    var activations: [Activation] { [activation] }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try ActivationLayer(units: input.features, activation: activation)
    }
}

/// Keras' Softmax (<https://keras.io/api/layers/activation_layers/softmax/>) over the last axis.
struct KerasSoftmax: KerasLayer {
    static let className = "Softmax"

    private let axis: KerasAxis

    private enum Option: CodingKey {
        case axis
    }

    init(from decoder: any Decoder) throws {
        axis = try decoder.container(keyedBy: Option.self).axis(.axis)
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try axis.requireLast(of: input)
        // Keras' Softmax applies the mask to the features instead of the timesteps.
        guard !input.isMasked else {
            throw Defect(.unsupported, "with masked timesteps is not supported; supported: an Activation 'softmax'")
        }
        return try input.withKnownFeatures()
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try ActivationLayer(units: input.features, activation: .softmax)
    }

    /// Returns the activation that other layers use for this function.
    ///
    /// - Throws: ``Defect`` if the axis is not the last.
    func function(_ option: String) throws(Defect) -> Activation {
        guard axis.isStandard else {
            throw Defect(.unsupported, "\(option)=Softmax with an axis is not supported; supported: the last axis, -1")
        }
        return .softmax
    }
}

/// Keras' ReLU (<https://keras.io/api/layers/activation_layers/relu/>).
struct KerasReLU: KerasElementwiseLayer {
    static let className = "ReLU"

    private let maximum: Float?
    private let negativeSlope: Float
    private let threshold: Float

    private enum Option: String, CodingKey {
        case threshold
        case maximum = "max_value"
        case negativeSlope = "negative_slope"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        maximum = try options.decodeIfPresent(Float.self, forKey: .maximum)
        negativeSlope = try options.decodeIfPresent(Float.self, forKey: .negativeSlope) ?? 0
        threshold = try options.decodeIfPresent(Float.self, forKey: .threshold) ?? 0
    }

    /// The activation that other layers use for this function; nil if there is none with these options.
    var function: Activation? {
        guard threshold == 0 else { return nil }
        if maximum == 6, negativeSlope == 0 { return .relu6 }
        return maximum == nil ? negativeSlope == 0 ? .relu : .leakyReLU(slope: negativeSlope) : nil
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Rectifier(
            units: input.features, negativeSlope: negativeSlope, threshold: threshold, maximum: maximum ?? .infinity)
    }
}

/// Keras' LeakyReLU (<https://keras.io/api/layers/activation_layers/leaky_relu/>). Keras 2 calls its slope `alpha`.
struct KerasLeakyReLU: KerasElementwiseLayer {
    static let className = "LeakyReLU"

    private let negativeSlope: Float

    private enum Option: String, CodingKey {
        case alpha
        case negativeSlope = "negative_slope"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        negativeSlope =
            try options.decodeIfPresent(Float.self, forKey: .negativeSlope)
            ?? options.decodeIfPresent(Float.self, forKey: .alpha) ?? 0.3
    }

    /// The activation that other layers use for this function.
    var function: Activation { .leakyReLU(slope: negativeSlope) }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Rectifier(units: input.features, negativeSlope: negativeSlope)
    }
}

/// Keras' ELU (<https://keras.io/api/layers/activation_layers/elu/>).
struct KerasELU: KerasElementwiseLayer {
    static let className = "ELU"

    private let alpha: Float

    private enum Option: CodingKey {
        case alpha
    }

    init(from decoder: any Decoder) throws {
        alpha = try decoder.container(keyedBy: Option.self).decodeIfPresent(Float.self, forKey: .alpha) ?? 1
    }

    /// The activation that other layers use for this function; nil if there is none with this option.
    var function: Activation? { alpha == 1 ? .elu : nil }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try ExponentialUnit(units: input.features, alpha: alpha)
    }
}

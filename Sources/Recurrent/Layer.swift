/// One layer of a model with its weights. A new kind of layer is a file of its own and a row in each table here.
public enum Layer: Equatable, Sendable {
    /// Long short-term memory.
    case lstm(LSTM)
    /// Fully connected.
    case dense(Dense)

    /// The width of one timestep of the layer's input.
    public var features: Int {
        switch self {
        case .lstm(let layer): layer.features
        case .dense(let layer): layer.features
        }
    }

    /// The width of one timestep of the layer's output.
    public var units: Int {
        switch self {
        case .lstm(let layer): layer.units
        case .dense(let layer): layer.units
        }
    }

    /// The layer's weights in Keras' order.
    public var weights: [Tensor] {
        switch self {
        case .lstm(let layer): [layer.kernel, layer.recurrentKernel] + (layer.bias.map { [$0] } ?? [])
        case .dense(let layer): [layer.kernel] + (layer.bias.map { [$0] } ?? [])
        }
    }

    /// The layer without its weights, in one line that is the same for equal layers: what a fingerprint is made from.
    public var architecture: String {
        switch self {
        case .lstm(let layer):
            "lstm features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "recurrent_activation=\(layer.recurrentActivation.rawValue) use_bias=\(layer.bias != nil)"
        case .dense(let layer):
            "dense features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "use_bias=\(layer.bias != nil)"
        }
    }
}

/// A ``Layer`` as the hot path sees it.
enum LayerStep {
    case lstm(LSTM.Step)
    case dense(Dense.Step)

    init(_ layer: Layer, weights: inout WeightBuffer) {
        switch layer {
        case .lstm(let layer): self = .lstm(LSTM.Step(layer, weights: &weights))
        case .dense(let layer): self = .dense(Dense.Step(layer, weights: &weights))
        }
    }

    /// Floats of state that the layer keeps for each stream.
    var stateSize: Int {
        switch self {
        case .lstm(let step): step.stateSize
        case .dense: 0
        }
    }

    /// Floats of working memory that the layer needs during a step.
    var scratchSize: Int {
        switch self {
        case .lstm(let step): step.scratchSize
        case .dense: 0
        }
    }
}

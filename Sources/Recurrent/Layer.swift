/// One layer of a model with its weights. A new kind of layer is a file of its own and a row in each table here.
public enum Layer: Equatable, Sendable {
    /// Long short-term memory.
    case lstm(LSTM)
    /// Gated recurrent unit.
    case gru(GRU)
    /// Plain recurrence.
    case simpleRNN(SimpleRNN)
    /// Fully connected.
    case dense(Dense)
    /// A vector for each token. Only as first layer.
    case embedding(Embedding)
    /// An activation by itself.
    case activation(ActivationLayer)
    /// ReLU with its options, and LeakyReLU.
    case rectifier(Rectifier)
    /// ELU with its α.
    case exponentialUnit(ExponentialUnit)
    /// A factor and an offset.
    case rescaling(Rescaling)
    /// By each timestep's own mean and variance.
    case layerNormalization(LayerNormalization)
    /// By the mean and the variance that training saw, then scaled and centred.
    case batchNormalization(BatchNormalization)
    /// By a fixed mean and variance.
    case normalization(Normalization)

    /// The width of one timestep of the layer's input; 1 for a token.
    public var features: Int {
        switch self {
        case .lstm(let layer): layer.features
        case .gru(let layer): layer.features
        case .simpleRNN(let layer): layer.features
        case .dense(let layer): layer.features
        case .embedding: 1
        case .activation, .rectifier, .exponentialUnit, .rescaling, .layerNormalization, .batchNormalization,
            .normalization:
            units
        }
    }

    /// The width of one timestep of the layer's output.
    public var units: Int {
        switch self {
        case .lstm(let layer): layer.units
        case .gru(let layer): layer.units
        case .simpleRNN(let layer): layer.units
        case .dense(let layer): layer.units
        case .embedding(let layer): layer.units
        case .activation(let layer): layer.units
        case .rectifier(let layer): layer.units
        case .exponentialUnit(let layer): layer.units
        case .rescaling(let layer): layer.units
        case .layerNormalization(let layer): layer.units
        case .batchNormalization(let layer): layer.units
        case .normalization(let layer): layer.units
        }
    }

    /// The layer's weights in Keras' order.
    public var weights: [Tensor] {
        switch self {
        case .lstm(let layer): [layer.kernel, layer.recurrentKernel] + [layer.bias].compactMap(\.self)
        case .gru(let layer): [layer.kernel, layer.recurrentKernel] + [layer.bias].compactMap(\.self)
        case .simpleRNN(let layer): [layer.kernel, layer.recurrentKernel] + [layer.bias].compactMap(\.self)
        case .dense(let layer): [layer.kernel] + [layer.bias].compactMap(\.self)
        case .embedding(let layer): [layer.embeddings]
        case .activation, .rectifier, .exponentialUnit: []
        case .rescaling(let layer): [layer.scale, layer.offset]
        case .layerNormalization(let layer): [layer.gamma, layer.beta].compactMap(\.self)
        case .batchNormalization(let layer):
            [layer.gamma, layer.beta].compactMap(\.self) + [layer.movingMean, layer.movingVariance]
        case .normalization(let layer): [layer.mean, layer.variance]
        }
    }

    /// How many weights the layer has by Keras' count, which knows those of a Rescaling as options.
    public var parameters: Int {
        if case .rescaling = self { return 0 }
        return weights.reduce(0) { $0 + $1.values.count }
    }

    /// The layer without its weights, in one line that is the same for equal layers: what a fingerprint is made from.
    public var architecture: String {
        switch self {
        case .lstm(let layer):
            "lstm features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "recurrent_activation=\(layer.recurrentActivation.rawValue) use_bias=\(layer.bias != nil)"
        case .gru(let layer):
            "gru features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "recurrent_activation=\(layer.recurrentActivation.rawValue) reset_after=\(layer.resetsAfter) "
                + "use_bias=\(layer.bias != nil)"
        case .simpleRNN(let layer):
            "simple_rnn features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "use_bias=\(layer.bias != nil)"
        case .dense(let layer):
            "dense features=\(features) units=\(units) activation=\(layer.activation.rawValue) "
                + "use_bias=\(layer.bias != nil)"
        case .embedding(let layer): "embedding vocabulary=\(layer.vocabulary) units=\(units)"
        case .activation(let layer): "activation units=\(units) activation=\(layer.activation.rawValue)"
        case .rectifier(let layer):
            "rectifier units=\(units) negative_slope=\(layer.negativeSlope) threshold=\(layer.threshold) "
                + "maximum=\(layer.maximum)"
        case .exponentialUnit(let layer): "exponential_unit units=\(units) alpha=\(layer.alpha)"
        case .rescaling: "rescaling units=\(units)"
        case .layerNormalization(let layer):
            "layer_normalization units=\(units) epsilon=\(layer.epsilon) scale=\(layer.gamma != nil) "
                + "center=\(layer.beta != nil)"
        case .batchNormalization(let layer):
            "batch_normalization units=\(units) epsilon=\(layer.epsilon) scale=\(layer.gamma != nil) "
                + "center=\(layer.beta != nil)"
        case .normalization(let layer): "normalization units=\(units) invert=\(layer.isInverse)"
        }
    }
}

/// A ``Layer`` as the hot path sees it.
enum LayerStep {
    case lstm(LSTM.Step)
    case gru(GRU.Step)
    case simpleRNN(SimpleRNN.Step)
    case dense(Dense.Step)
    case embedding(Embedding.Step)
    case activation(ActivationLayer.Step)
    case rectifier(Rectifier.Step)
    case exponentialUnit(ExponentialUnit.Step)
    case rescaling(Rescaling.Step)
    case layerNormalization(LayerNormalization.Step)
    case normalization(Normalization.Step)

    init(_ layer: Layer, weights: inout WeightBuffer) {
        switch layer {
        case .lstm(let layer): self = .lstm(LSTM.Step(layer, weights: &weights))
        case .gru(let layer): self = .gru(GRU.Step(layer, weights: &weights))
        case .simpleRNN(let layer): self = .simpleRNN(SimpleRNN.Step(layer, weights: &weights))
        case .dense(let layer): self = .dense(Dense.Step(layer, weights: &weights))
        case .embedding(let layer): self = .embedding(Embedding.Step(layer, weights: &weights))
        case .activation(let layer): self = .activation(ActivationLayer.Step(layer))
        case .rectifier(let layer): self = .rectifier(Rectifier.Step(layer))
        case .exponentialUnit(let layer): self = .exponentialUnit(ExponentialUnit.Step(layer))
        case .rescaling(let layer):
            self = .rescaling(
                Rescaling.Step(scale: layer.scale.values, offset: layer.offset.values, weights: &weights))
        case .layerNormalization(let layer):
            self = .layerNormalization(LayerNormalization.Step(layer, weights: &weights))
        case .batchNormalization(let layer): self = .rescaling(layer.step(weights: &weights))
        case .normalization(let layer): self = .normalization(Normalization.Step(layer, weights: &weights))
        }
    }

    /// Floats of state that the layer keeps for each stream.
    var stateSize: Int {
        switch self {
        case .lstm(let step): step.stateSize
        case .gru(let step): step.stateSize
        case .simpleRNN(let step): step.stateSize
        default: 0
        }
    }

    /// Floats of working memory that the layer needs during a step.
    var scratchSize: Int {
        switch self {
        case .lstm(let step): step.scratchSize
        case .gru(let step): step.scratchSize
        case .simpleRNN(let step): step.scratchSize
        default: 0
        }
    }

    /// One timestep of a layer that is neither an LSTM nor a Dense: apart from the loop over the layers, so that the loop
    /// stays small for those two.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - state: The layer's state, shape (stateSize); replaced.
    ///   - y: Where the output goes if it is neither the state nor a weight, shape (units). Must not overlap `x`.
    ///   - scratch: Shape (scratchSize).
    /// - Returns: Where the output stands, shape (units).
    @inline(never)
    func otherKind(
        x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        switch self {
        case .gru(let gru):
            unsafe gru(x: x, h: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .simpleRNN(let rnn):
            unsafe rnn(x: x, h: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .embedding(let embedding): return unsafe embedding(x: x)
        case .activation(let activation): unsafe activation(x: x, y: y)
        case .rectifier(let rectifier): unsafe rectifier(x: x, y: y)
        case .exponentialUnit(let unit): unsafe unit(x: x, y: y)
        case .rescaling(let rescaling): unsafe rescaling(x: x, y: y)
        case .layerNormalization(let normalization): unsafe normalization(x: x, y: y)
        case .normalization(let normalization): unsafe normalization(x: x, y: y)
        case .lstm, .dense: preconditionFailure("stepped by the loop itself")
        }
        return unsafe UnsafePointer(y)
    }
}

import Recurrent

/// The pass of any layer that the trainer supports: a layer that is trained, or one that only passes gradients on.
///
/// This type is an enumeration, so that the compiler can specialize the passes for single precision. To add a kind of
/// layer, write a ``TrainingPass``, and add it here and to ``init(_:isFused:_:constants:)``.
indirect enum AnyPass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    case recurrent(AnyRecurrentPass<Arithmetic>)
    case bidirectional(BidirectionalPass<Arithmetic>)
    case token(TokenPass<Arithmetic>)
    case dense(DensePass<Arithmetic>)
    case embedding(EmbeddingPass<Scalar>)
    case masking(MaskingPass<Scalar>)
    case elementwise(ElementwisePass<Arithmetic>)
    case averagePooling(AveragePoolingPass<Scalar>)
    case maximumPooling(MaximumPoolingPass<Scalar>)
    case layerNormalization(LayerNormalizationPass<Scalar>)
    case fixedScale(FixedScalePass<Scalar>)
    case dropout(DropoutPass<Scalar>)

    /// Creates the pass of a layer.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - isFused: Whether the loss computes the layer's activation.
    ///   - arithmetic: The arithmetic.
    ///   - constants: Receives the buffers of values that training does not change. The owner of the pass must keep
    ///     these buffers alive.
    /// - Throws: ``TrainingError`` if the kind of layer has no backward pass.
    init(
        _ layer: any Layer, isFused: Bool, _ arithmetic: Arithmetic, constants: inout [Buffer<Scalar>]
    ) throws(TrainingError) {
        switch layer {
        case let layer as Bidirectional:
            self = .bidirectional(try Self.known(BidirectionalPass(layer, features: layer.features, arithmetic), layer))
        case let layer as Backwards:
            self = .recurrent(
                try Self.known(
                    AnyRecurrentPass(layer.layer, features: layer.features, order: .backward, arithmetic), layer))
        case let layer as any RecurrentLayer:
            self = .recurrent(
                try Self.known(AnyRecurrentPass(layer, features: layer.features, order: .forward, arithmetic), layer))
        case let layer as Dense:
            self = .dense(DensePass(layer, activation: isFused ? .linear : layer.activation, arithmetic))
        case let layer as Embedding: self = .embedding(EmbeddingPass(layer, lanes: arithmetic.lanes))
        case let layer as Masking: self = .masking(MaskingPass(layer, lanes: arithmetic.lanes))
        case let layer as ActivationLayer:
            self = .elementwise(
                ElementwisePass(
                    units: layer.units, .activation(isFused ? .linear : layer.activation), arithmetic))
        case let layer as Rectifier: self = .elementwise(ElementwisePass(layer, arithmetic))
        case let layer as ExponentialUnit:
            self = .elementwise(
                ElementwisePass(units: layer.units, .exponentialUnit(alpha: Scalar(layer.alpha)), arithmetic))
        case is GlobalAveragePooling:
            self = .averagePooling(AveragePoolingPass(units: layer.units, lanes: arithmetic.lanes))
        case is GlobalMaxPooling:
            self = .maximumPooling(MaximumPoolingPass(units: layer.units, lanes: arithmetic.lanes))
        case let layer as LayerNormalization:
            self = .layerNormalization(LayerNormalizationPass(layer, lanes: arithmetic.lanes))
        case let layer as any FixedScale:
            self = .fixedScale(FixedScalePass(layer, lanes: arithmetic.lanes, constants: &constants))
        default: throw TrainingError(.unsupported, "training does not support this layer: \(layer.architecture)")
        }
    }

    private static func known<Pass>(_ pass: Pass?, _ layer: any Layer) throws(TrainingError) -> Pass {
        guard let pass else {
            throw TrainingError(.unsupported, "training does not support this layer: \(layer.architecture)")
        }
        return pass
    }

    /// Whether an output depends on timesteps other than its own.
    var mixesTimesteps: Bool {
        switch self {
        case .recurrent, .bidirectional, .token, .averagePooling, .maximumPooling: true
        default: false
        }
    }

    /// The number of state values that the layer carries from one call to the next.
    var stateSize: Int {
        switch self {
        case .recurrent(let pass): pass.stateSize
        case .bidirectional(let pass): pass.stateSize
        case .token(let pass): pass.stateSize
        default: 0
        }
    }

    var units: Int {
        switch self {
        case .recurrent(let pass): pass.units
        case .bidirectional(let pass): pass.units
        case .token(let pass): pass.units
        case .dense(let pass): pass.units
        case .embedding(let pass): pass.units
        case .masking(let pass): pass.units
        case .elementwise(let pass): pass.units
        case .averagePooling(let pass): pass.units
        case .maximumPooling(let pass): pass.units
        case .layerNormalization(let pass): pass.units
        case .fixedScale(let pass): pass.units
        case .dropout(let pass): pass.units
        }
    }

    func memorySize(steps: Int) -> Int {
        switch self {
        case .recurrent(let pass): pass.memorySize(steps: steps)
        case .bidirectional(let pass): pass.memorySize(steps: steps)
        case .token(let pass): pass.memorySize(steps: steps)
        case .dense(let pass): pass.memorySize(steps: steps)
        case .embedding(let pass): pass.memorySize(steps: steps)
        case .masking(let pass): pass.memorySize(steps: steps)
        case .elementwise(let pass): pass.memorySize(steps: steps)
        case .averagePooling(let pass): pass.memorySize(steps: steps)
        case .maximumPooling(let pass): pass.memorySize(steps: steps)
        case .layerNormalization(let pass): pass.memorySize(steps: steps)
        case .fixedScale(let pass): pass.memorySize(steps: steps)
        case .dropout(let pass): pass.memorySize(steps: steps)
        }
    }

    func forward(
        _ input: Signal<Scalar>, memory m: Values<Scalar>, weights w: Values<Scalar>, state s: Values<Scalar>,
        context c: PassContext
    ) -> Signal<Scalar> {
        switch self {
        case .recurrent(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .bidirectional(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .token(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .dense(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .embedding(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .masking(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .elementwise(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .averagePooling(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .maximumPooling(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .layerNormalization(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .fixedScale(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        case .dropout(let pass): pass.forward(input, memory: m, weights: w, state: s, context: c)
        }
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory m: Values<Scalar>, weights w: Values<Scalar>,
        gradient g: Values<Scalar>, dx: Values<Scalar>?
    ) {
        switch self {
        case .recurrent(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .bidirectional(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .token(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .dense(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .embedding(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .masking(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .elementwise(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .averagePooling(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .maximumPooling(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .layerNormalization(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .fixedScale(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        case .dropout(let pass): pass.backward(dy, input: input, memory: m, weights: w, gradient: g, dx: dx)
        }
    }
}

/// A ``TimestepLayer`` in the form that the hot path reads: sizes, and pointers into the model's weights.
package struct LayerStep: BitwiseCopyable {
    /// The kinds of layers. Each kind has a case here and in
    /// ``LayerStep/output(for:state:y:scratch:isMasked:isFinite:)``.
    ///
    /// Each case holds a pointer to the step. Otherwise, every switch over the kind would copy the step.
    @safe
    enum Kind {
        case lstm(UnsafePointer<LSTM.Step>)
        case genericLSTM(UnsafePointer<LSTM.GenericStep>)
        case gru(UnsafePointer<GRU.Step>)
        case genericGRU(UnsafePointer<GRU.GenericStep>)
        case simpleRNN(UnsafePointer<SimpleRNN.Step>)
        case dense(UnsafePointer<Dense.Step>)
        case convolution(UnsafePointer<Convolution.Step>)
        case embedding(UnsafePointer<Embedding.Step>)
        case masking(UnsafePointer<Masking.Step>)
        case averagePooling(UnsafePointer<GlobalAveragePooling.Step>)
        case maxPooling(UnsafePointer<GlobalMaxPooling.Step>)
        case activation(UnsafePointer<ActivationLayer.Step>)
        case rectifier(UnsafePointer<Rectifier.Step>)
        case parametricRectifier(UnsafePointer<ParametricRectifier.Step>)
        case exponentialUnit(UnsafePointer<ExponentialUnit.Step>)
        case rescaling(UnsafePointer<Rescaling.Step>)
        case layerNormalization(UnsafePointer<LayerNormalization.Step>)
        case normalization(UnsafePointer<Normalization.Step>)
        case graph(UnsafePointer<Graph.Step>)
    }

    /// The layer's behavior at a masked timestep.
    enum MaskBehavior {
        /// The layer steps the timestep like any other.
        case ignoresMask
        /// The layer skips the timestep and repeats its previous output, which is at the beginning of the state.
        case repeatsOutput
        /// The layer skips the timestep and outputs zeros.
        case givesZeros
        /// The layer skips the timestep and repeats its previous output. Before the first unmasked timestep, the output
        /// is NaN. The last float of the state is the ``TimestepCount``.
        case repeatsOutputOnceCounted
    }

    let kind: Kind
    /// The width of one timestep of the input.
    let features: Int
    /// The width of one timestep of the output.
    let units: Int
    /// The number of floats of state per stream.
    let stateSize: Int
    /// The number of floats of working memory that a step on the scalar path needs.
    let scratchSize: Int
    /// The number of floats of working memory that a step on the batched path needs.
    let laneScratchSize: Int
    private(set) var whenMasked: MaskBehavior

    init(
        _ kind: Kind, of layer: some Layer, stateSize: Int = 0, scratchSize: Int = 0,
        laneScratchSize: Int = 0, whenMasked: MaskBehavior = .ignoresMask
    ) {
        self.kind = kind
        features = layer.features
        units = layer.units
        self.stateSize = stateSize
        self.scratchSize = scratchSize
        self.laneScratchSize = laneScratchSize
        self.whenMasked = whenMasked
    }

    /// A copy of the step that ignores masks, for a layer that no mask reaches.
    var ignoringMask: LayerStep {
        var step = self
        step.whenMasked = .ignoresMask
        return step
    }

    /// Steps one stream through one timestep.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - state: The layer's state, shape (stateSize); the step replaces it.
    ///   - y: Room for an output that is neither in the state nor among the weights, shape (units), padded. Must not
    ///     overlap `x`.
    ///   - scratch: Working memory, shape (scratchSize).
    ///   - isMasked: Whether the timestep is masked. A layer that generates masks sets this flag.
    ///   - isFinite: Becomes false if the state is not finite.
    /// - Returns: The output, shape (units), in `y`, in the state or among the weights.
    @inline(__always)
    func output(
        for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, isMasked: inout Bool, isFinite: inout Bool
    ) -> UnsafePointer<Float> {
        if isMasked && whenMasked != .ignoresMask {
            return unsafe Self.maskedOutput(whenMasked, state: state, size: stateSize, y: y, units: units)
        }
        switch kind {
        case .lstm(let lstm):
            if unsafe !lstm.pointee(x: x, state: state, scratch: scratch) { isFinite = false }
            return unsafe UnsafePointer(state)
        case .gru(let gru):
            if unsafe !gru.pointee(x: x, h: state, scratch: scratch) { isFinite = false }
            return unsafe UnsafePointer(state)
        case .dense(let dense):
            unsafe dense.pointee(x: x, y: y)
            return unsafe UnsafePointer(y)
        default:
            let output = unsafe Self.output(of: kind, for: x, state: state, y: y, scratch: scratch, isMasked: &isMasked)
            if unsafe !StatePool.isFinite(state, count: stateSize) { isFinite = false }
            return unsafe output
        }
    }

    /// Whether the layer has a kernel for whole sequences.
    var canStepSequence: Bool {
        switch kind {
        case .lstm, .gru: true
        default: false
        }
    }

    /// Steps one stream through a sequence of timesteps, up to the first that makes the state non-finite.
    ///
    /// - Parameters:
    ///   - count: The number of timesteps.
    ///   - x: The inputs, shape (count, features).
    ///   - state: The layer's state, shape (stateSize); the step replaces it.
    ///   - outputs: Receives the outputs, shape (count, units), with room for `Kernels.padding` more.
    /// - Returns: The number of timesteps that left the state finite. If this number is less than `count`, the next
    ///   timestep was also stepped and made the state non-finite. Nil, without a step, if the layer has no kernel for
    ///   sequences.
    func stepSequence(
        _ count: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        outputs: UnsafeMutablePointer<Float>
    ) -> Int? {
        switch kind {
        case .lstm(let lstm): unsafe lstm.pointee.stepSequence(count, x: x, state: state, outputs: outputs)
        case .gru(let gru): unsafe gru.pointee.stepSequence(count, x: x, h: state, outputs: outputs)
        default: nil
        }
    }

    // The next two functions are static because calling a method would copy the whole step.

    @inline(never)
    private static func maskedOutput(
        _ whenMasked: MaskBehavior, state: UnsafeMutablePointer<Float>, size: Int, y: UnsafeMutablePointer<Float>,
        units: Int
    ) -> UnsafePointer<Float> {
        switch whenMasked {
        case .givesZeros: unsafe y.update(repeating: 0, count: units)
        case .repeatsOutputOnceCounted where unsafe TimestepCount.isZero(state[size - 1]):
            unsafe y.update(repeating: .nan, count: units)
        case .repeatsOutput, .repeatsOutputOnceCounted, .ignoresMask: return unsafe UnsafePointer(state)
        }
        return unsafe UnsafePointer(y)
    }

    /// Steps the less common kinds of layers. The function is not inlined, which keeps the loop over the layers small.
    @inline(never)
    private static func output(
        of kind: Kind, for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, isMasked: inout Bool
    ) -> UnsafePointer<Float> {
        switch kind {
        case .genericGRU(let gru):
            unsafe gru.pointee(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .genericLSTM(let lstm):
            unsafe lstm.pointee(x: x, state: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .simpleRNN(let rnn):
            unsafe rnn.pointee(x: x, h: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .averagePooling(let pooling):
            unsafe pooling.pointee(x: x, state: state)
            return unsafe UnsafePointer(state)
        case .maxPooling(let pooling):
            unsafe pooling.pointee(x: x, state: state)
            return unsafe UnsafePointer(state)
        case .embedding(let embedding): return unsafe embedding.pointee(x: x, isMasked: &isMasked)
        case .masking(let masking): unsafe masking.pointee(x: x, y: y, isMasked: &isMasked)
        case .convolution(let convolution): unsafe convolution.pointee(x: x, state: state, y: y, scratch: scratch)
        case .activation(let activation): unsafe activation.pointee(x: x, y: y)
        case .rectifier(let rectifier): unsafe rectifier.pointee(x: x, y: y)
        case .parametricRectifier(let rectifier): unsafe rectifier.pointee(x: x, y: y)
        case .exponentialUnit(let unit): unsafe unit.pointee(x: x, y: y)
        case .rescaling(let rescaling): unsafe rescaling.pointee(x: x, y: y)
        case .layerNormalization(let normalization): unsafe normalization.pointee(x: x, y: y)
        case .normalization(let normalization): unsafe normalization.pointee(x: x, y: y)
        case .graph(let graph):
            unsafe graph.pointee(x: x, state: state, y: y, scratch: scratch, isMasked: &isMasked)
        case .lstm, .gru, .dense: preconditionFailure("output(for:) steps this kind")
        }
        return unsafe UnsafePointer(y)
    }
}

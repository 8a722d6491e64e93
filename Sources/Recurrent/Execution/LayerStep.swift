/// A ``TimestepLayer`` as the hot path sees it: sizes, and pointers into the model's weights.
package struct LayerStep: BitwiseCopyable {
    /// The table of the kinds of layers. Each has its row here and in ``LayerStep/output(for:state:y:scratch:isMasked:isFinite:)``.
    ///
    /// The steps themselves stand among the weights: here they would be copied by whoever asks which kind it is.
    @safe
    enum Kind {
        case lstm(UnsafePointer<LSTM.Step>)
        case lstmOfOtherActivations(UnsafePointer<LSTM.StepOfOtherActivations>)
        case gru(UnsafePointer<GRU.Step>)
        case gruOfOtherKind(UnsafePointer<GRU.StepOfOtherKind>)
        case simpleRNN(UnsafePointer<SimpleRNN.Step>)
        case dense(UnsafePointer<Dense.Step>)
        case embedding(UnsafePointer<Embedding.Step>)
        case masking(UnsafePointer<Masking.Step>)
        case averagePooling(UnsafePointer<GlobalAveragePooling.Step>)
        case maxPooling(UnsafePointer<GlobalMaxPooling.Step>)
        case activation(UnsafePointer<ActivationLayer.Step>)
        case rectifier(UnsafePointer<Rectifier.Step>)
        case exponentialUnit(UnsafePointer<ExponentialUnit.Step>)
        case rescaling(UnsafePointer<Rescaling.Step>)
        case layerNormalization(UnsafePointer<LayerNormalization.Step>)
        case normalization(UnsafePointer<Normalization.Step>)
    }

    /// What comes of a masked timestep.
    enum MaskedTimestep {
        /// It is taken like any other.
        case taken
        /// It is left out; the output is again that of the timestep before, which stands at the state's beginning.
        case held
        /// It is left out; the output is zero.
        case zeroed
        /// As ``held``, but there is no output before the first timestep that is not masked: NaN. The state's last float counts
        /// them, see ``TimestepCount``.
        case heldOnceCounted
    }

    let kind: Kind
    /// The width of one timestep of the input.
    let features: Int
    /// The width of one timestep of the output.
    let units: Int
    /// Floats of state that the layer keeps for each stream.
    let stateSize: Int
    /// Floats of working memory that the layer needs during a step.
    let scratchSize: Int
    /// Floats of working memory that it needs during a step of many lanes.
    let scratchSizeOfLanes: Int
    /// What comes of a masked timestep.
    private(set) var whenMasked: MaskedTimestep

    init(
        _ kind: Kind, of layer: some TimestepLayer, stateSize: Int = 0, scratchSize: Int = 0,
        scratchSizeOfLanes: Int = 0, whenMasked: MaskedTimestep = .taken
    ) {
        self.kind = kind
        features = layer.features
        units = layer.units
        self.stateSize = stateSize
        self.scratchSize = scratchSize
        self.scratchSizeOfLanes = scratchSizeOfLanes
        self.whenMasked = whenMasked
    }

    /// The same step where no mask reaches the layer.
    var ignoringMask: LayerStep {
        var step = self
        step.whenMasked = .taken
        return step
    }

    /// Takes one timestep.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - state: The layer's state, shape (stateSize); replaced.
    ///   - y: Where the output goes if it is neither the state nor a weight, shape (units). Must not overlap `x`.
    ///   - scratch: Shape (scratchSize).
    ///   - isMasked: Whether the timestep is masked; set by the layers that say so.
    ///   - isFinite: Made false where the state is not finite any more.
    /// - Returns: Where the output stands, shape (units).
    @inline(__always)
    func output(
        for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, isMasked: inout Bool, isFinite: inout Bool
    ) -> UnsafePointer<Float> {
        if isMasked && whenMasked != .taken {
            return unsafe Self.outputWithoutStep(whenMasked, state: state, size: stateSize, y: y, units: units)
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

    /// Whether ``takeAll(_:x:state:outputs:)`` takes them.
    var takesAll: Bool {
        switch kind {
        case .lstm, .gru: true
        default: false
        }
    }

    /// Takes timesteps, one after another until the state is not finite, if the layer's kernel can.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - x: The inputs, shape (count, features).
    ///   - state: The layer's state, shape (stateSize); replaced.
    ///   - outputs: Where the outputs go, shape (count, units), with room for `Kernels.padding` more.
    /// - Returns: How many left the state finite; where that is not all of them, one more was taken. Nil where nothing was taken,
    ///   since the layer takes one timestep at a time.
    func takeAll(
        _ count: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        outputs: UnsafeMutablePointer<Float>
    ) -> Int? {
        switch kind {
        case .lstm(let lstm): unsafe lstm.pointee.takeAll(count, x: x, state: state, outputs: outputs)
        case .gru(let gru): unsafe gru.pointee.takeAll(count, x: x, h: state, outputs: outputs)
        default: nil
        }
    }

    // Both of these take what they need and not the whole step, which would have to be copied for them.

    @inline(never)
    private static func outputWithoutStep(
        _ whenMasked: MaskedTimestep, state: UnsafeMutablePointer<Float>, size: Int, y: UnsafeMutablePointer<Float>,
        units: Int
    ) -> UnsafePointer<Float> {
        switch whenMasked {
        case .zeroed: unsafe y.update(repeating: 0, count: units)
        case .heldOnceCounted where unsafe TimestepCount.isZero(state[size - 1]):
            unsafe y.update(repeating: .nan, count: units)
        case .held, .heldOnceCounted, .taken: return unsafe UnsafePointer(state)
        }
        return unsafe UnsafePointer(y)
    }

    /// Apart from those that matter most, so that the loop over the layers stays small for those.
    @inline(never)
    private static func output(
        of kind: Kind, for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, isMasked: inout Bool
    ) -> UnsafePointer<Float> {
        switch kind {
        case .gruOfOtherKind(let gru):
            unsafe gru.pointee(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .lstmOfOtherActivations(let lstm):
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
        case .activation(let activation): unsafe activation.pointee(x: x, y: y)
        case .rectifier(let rectifier): unsafe rectifier.pointee(x: x, y: y)
        case .exponentialUnit(let unit): unsafe unit.pointee(x: x, y: y)
        case .rescaling(let rescaling): unsafe rescaling.pointee(x: x, y: y)
        case .layerNormalization(let normalization): unsafe normalization.pointee(x: x, y: y)
        case .normalization(let normalization): unsafe normalization.pointee(x: x, y: y)
        case .lstm, .gru, .dense: preconditionFailure("stepped by output(for:)")
        }
        return unsafe UnsafePointer(y)
    }
}

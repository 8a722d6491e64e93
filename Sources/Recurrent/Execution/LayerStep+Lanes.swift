/// The batched path: one timestep of many streams at once, each in its own lane.
extension LayerStep {
    /// Whether the layer has a batched step. A layer without one steps the lanes one by one.
    var canStepLanes: Bool {
        switch kind {
        case .lstm, .genericLSTM, .gru, .simpleRNN: true
        case .genericGRU(let gru): unsafe gru.pointee.resetsAfter
        case .dense(let dense): unsafe dense.pointee.activation.isElementwise
        default: false
        }
    }

    /// Steps every lane through one timestep. The results are bit-identical to those of
    /// ``output(for:state:y:scratch:isMasked:isFinite:)``.
    ///
    /// - Parameters:
    ///   - x: The inputs, shape (features, lanes).
    ///   - state: The layer's states, shape (stateSize, lanes); the step replaces them.
    ///   - y: Room for the outputs of a layer that does not leave them in its state, shape (units, lanes). Must not
    ///     overlap `x`.
    ///   - scratch: Working memory, shape (laneScratchSize).
    ///   - singleLane: Room for one lane's vectors, for layers that step the lanes one by one.
    ///   - lanes: The number of lanes.
    /// - Returns: The outputs, shape (units, lanes), in `y` or in the state.
    func outputLanes(
        for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, singleLane: LaneVectors, lanes: Int
    ) -> UnsafePointer<Float> {
        switch kind {
        case .lstm(let lstm):
            unsafe lstm.pointee.stepLanes(x: x, state: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .genericLSTM(let lstm):
            unsafe lstm.pointee.stepLanes(x: x, state: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .gru(let gru):
            unsafe gru.pointee.stepLanes(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .genericGRU(let gru) where canStepLanes:
            unsafe gru.pointee.stepLanes(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .simpleRNN(let rnn):
            unsafe rnn.pointee.stepLanes(x: x, h: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .dense(let dense) where canStepLanes:
            unsafe dense.pointee.stepLanes(x: x, y: y)
        default:
            for lane in 0..<lanes {
                unsafe step(lane, x: x, state: state, y: y, singleLane: singleLane, lanes: lanes)
            }
        }
        return unsafe UnsafePointer(y)
    }

    /// The layer's step if the layer is a ``Dense`` that can step sequences; otherwise nil.
    var sequenceDense: UnsafePointer<Dense.Step>? {
        if case .dense(let dense) = kind, unsafe dense.pointee.canStepSequence { unsafe dense } else { nil }
    }

    /// The layer's step if the layer is a ``Dense`` that can read its inputs without a tile; otherwise nil.
    var rowDense: UnsafePointer<Dense.Step>? {
        if case .dense(let dense) = kind, unsafe dense.pointee.canStepRows { unsafe dense } else { nil }
    }

    /// Copies one lane out of the tiles, steps it on the scalar path, and copies the result back.
    private func step(
        _ lane: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        singleLane: LaneVectors, lanes: Int
    ) {
        for k in 0..<features { unsafe singleLane.x[k] = x[k * lanes + lane] }
        for k in 0..<stateSize { unsafe singleLane.state[k] = state[k * lanes + lane] }
        // Models with masks never take the batched path.
        var isMasked = false
        // Ignore the result, because the caller checks all lanes at once.
        var isFinite = true
        let output = unsafe output(
            for: singleLane.x, state: singleLane.state, y: singleLane.y, scratch: singleLane.scratch,
            isMasked: &isMasked,
            isFinite: &isFinite)
        for k in 0..<stateSize { unsafe state[k * lanes + lane] = singleLane.state[k] }
        for k in 0..<units { unsafe y[k * lanes + lane] = output[k] }
    }
}

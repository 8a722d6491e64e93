/// One timestep of many streams at once, a lane each.
extension LayerStep {
    /// Whether all lanes are stepped at once, not one by one.
    var isSteppedInLanes: Bool {
        switch kind {
        case .lstm, .lstmOfOtherActivations, .gru, .simpleRNN: true
        case .gruOfOtherKind(let gru): unsafe gru.pointee.resetsAfter
        case .dense(let dense): unsafe dense.pointee.activation.isElementwise
        default: false
        }
    }

    /// Takes one timestep of each lane, with the bits of ``output(for:state:y:scratch:isMasked:isFinite:)``.
    ///
    /// - Parameters:
    ///   - x: The inputs, shape (features, lanes).
    ///   - state: The layer's states, shape (stateSize, lanes); replaced.
    ///   - y: Where the outputs go if they are not the state, shape (units, lanes). Must not overlap `x`.
    ///   - scratch: Shape (scratchSizeOfLanes).
    ///   - apart: One lane's vectors, for layers that are stepped lane by lane.
    ///   - lanes: As many as there are.
    /// - Returns: Where the outputs stand, shape (units, lanes).
    func outputOfLanes(
        for x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, apart: LaneVectors, lanes: Int
    ) -> UnsafePointer<Float> {
        switch kind {
        case .lstm(let lstm):
            unsafe lstm.pointee.stepLanes(x: x, state: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .lstmOfOtherActivations(let lstm):
            unsafe lstm.pointee.stepLanes(x: x, state: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .gru(let gru):
            unsafe gru.pointee.stepLanes(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .gruOfOtherKind(let gru) where isSteppedInLanes:
            unsafe gru.pointee.stepLanes(x: x, h: state, scratch: scratch)
            return unsafe UnsafePointer(state)
        case .simpleRNN(let rnn):
            unsafe rnn.pointee.stepLanes(x: x, h: state, z: scratch)
            return unsafe UnsafePointer(state)
        case .dense(let dense) where isSteppedInLanes:
            unsafe dense.pointee.stepLanes(x: x, y: y)
        default:
            for lane in 0..<lanes {
                unsafe step(lane, x: x, state: state, y: y, apart: apart, lanes: lanes)
            }
        }
        return unsafe UnsafePointer(y)
    }

    /// The layer, if it takes many timesteps that stand one after another, and gives them so.
    var takingSteps: UnsafePointer<Dense.Step>? {
        if case .dense(let dense) = kind, unsafe dense.pointee.takesSteps { unsafe dense } else { nil }
    }

    /// The layer, if it can take the lanes' inputs where they stand one after another.
    var takingRows: UnsafePointer<Dense.Step>? {
        if case .dense(let dense) = kind, unsafe dense.pointee.takesRows { unsafe dense } else { nil }
    }

    /// Takes one lane out, steps it alone, and puts it back.
    private func step(
        _ lane: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
        apart: LaneVectors, lanes: Int
    ) {
        for k in 0..<features { unsafe apart.x[k] = x[k * lanes + lane] }
        for k in 0..<stateSize { unsafe apart.state[k] = state[k * lanes + lane] }
        // Models with masks are not stepped so.
        var isMasked = false
        // Found out for all lanes at once.
        var isFinite = true
        let output = unsafe output(
            for: apart.x, state: apart.state, y: apart.y, scratch: apart.scratch, isMasked: &isMasked,
            isFinite: &isFinite)
        for k in 0..<stateSize { unsafe state[k * lanes + lane] = apart.state[k] }
        for k in 0..<units { unsafe y[k * lanes + lane] = output[k] }
    }
}

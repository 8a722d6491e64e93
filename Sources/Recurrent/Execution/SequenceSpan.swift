/// The input of one layer at all timesteps of a sequence. It runs the layer over the sequence.
@safe
struct SequenceSpan {
    /// Shape (count, width).
    let x: UnsafePointer<Float>
    let width: Int
    let count: Int
    /// Which timesteps are masked, shape (count). A layer that generates masks replaces them.
    let isMasked: UnsafeMutablePointer<Bool>

    /// Runs a layer over the sequence in one direction, from the zero state.
    ///
    /// - Parameters:
    ///   - step: The layer.
    ///   - isBackward: Whether the layer reads the sequence backward. Its outputs are then in reverse order, too.
    ///   - y: Receives the outputs, shape (count, units), padded. Must not overlap `x`.
    ///   - memory: Working memory.
    /// - Returns: The number of output timesteps.
    func run(
        _ step: LayerStep, isBackward: Bool = false, into y: UnsafeMutablePointer<Float>, _ memory: SequenceMemory
    ) -> Int {
        unsafe memory.state.update(repeating: 0, count: step.stateSize)
        let stepped = isBackward ? 0 : unsafe runAtOnce(step, into: y, state: memory.state)
        for place in stepped..<count {
            unsafe run(step, at: isBackward ? count - 1 - place : place, into: y + place * step.units, memory)
        }
        return count
    }

    /// Runs a layer with a kernel for whole sequences, as far as its state stays finite.
    ///
    /// - Returns: The number of timesteps that were stepped.
    private func runAtOnce(
        _ step: LayerStep, into y: UnsafeMutablePointer<Float>, state: UnsafeMutablePointer<Float>
    ) -> Int {
        guard step.whenMasked == .ignoresMask else { return 0 }
        if let dense = unsafe step.sequenceDense {
            unsafe dense.pointee.stepSequence(count, x: x, y: y)
            return count
        }
        guard let finite = unsafe step.stepSequence(count, x: x, state: state, outputs: y) else { return 0 }
        return min(finite + 1, count)
    }

    /// Runs a layer over the sequence in both directions, each from the zero state.
    ///
    /// - Parameters:
    ///   - pass: The layer.
    ///   - y: Receives the outputs, shape (output timesteps, units), padded. Must not overlap `x`.
    ///   - memory: Working memory.
    /// - Returns: The number of output timesteps.
    func run(_ pass: Bidirectional.Pass, into y: UnsafeMutablePointer<Float>, _ memory: SequenceMemory) -> Int {
        let units = pass.forward.units
        let isConcatenated = pass.merge == .concat
        let stride = isConcatenated ? 2 * units : units
        let backwardOutputs = unsafe isConcatenated ? y + units : memory.other

        unsafe memory.state.update(repeating: 0, count: pass.forward.stateSize)
        for timestep in 0..<count {
            let place = pass.returnsSequences ? timestep : 0
            unsafe run(pass.forward, at: timestep, into: y + place * stride, memory)
        }
        unsafe memory.state.update(repeating: 0, count: pass.backward.stateSize)
        for timestep in (0..<count).reversed() {
            let place = pass.returnsSequences ? timestep : 0
            unsafe run(pass.backward, at: timestep, into: backwardOutputs + place * stride, memory)
        }
        let outputs = pass.returnsSequences ? count : 1
        unsafe pass.merge.apply(y, memory.other, count: outputs * stride)
        return outputs
    }

    /// Steps a layer through one timestep.
    private func run(
        _ step: LayerStep, at timestep: Int, into target: UnsafeMutablePointer<Float>, _ memory: SequenceMemory
    ) {
        // Ignore the result: nothing reads the state after the sequence, so a non-finite state does no harm.
        var isFinite = true
        let output = unsafe step.output(
            for: x + timestep * width, state: memory.state, y: target, scratch: memory.scratch,
            isMasked: &isMasked[timestep], isFinite: &isFinite)
        if unsafe output != UnsafePointer(target) { unsafe target.update(from: output, count: step.units) }
    }
}

/// The working memory of a layer that runs over a sequence.
@safe
struct SequenceMemory {
    /// The backward output of a Bidirectional, as large as the layer's output.
    let other: UnsafeMutablePointer<Float>
    /// The state, shape (the layer's stateSize). For a Bidirectional, this is the larger of the two sizes.
    let state: UnsafeMutablePointer<Float>
    /// Shape (the layer's scratchSize). For a Bidirectional, this is the larger of the two sizes.
    let scratch: UnsafeMutablePointer<Float>
}

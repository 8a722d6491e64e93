/// A sequence on its way through the layers of a model, one layer after another: the values of all timesteps between two
/// layers, and which of them are masked.
@safe
final class LayerSequence {
    /// The most timesteps that there is room for.
    let capacity: Int

    /// Three times (capacity, width) floats: what the next layer takes, what it gives, and the other direction of a
    /// Bidirectional.
    private let memory: UnsafeMutablePointer<Float>
    private let isMasked: UnsafeMutablePointer<Bool>
    private var x: UnsafeMutablePointer<Float>
    private var y: UnsafeMutablePointer<Float>
    private let other: UnsafeMutablePointer<Float>
    private var count = 0
    private var width = 0

    /// Room for sequences.
    ///
    /// - Parameters:
    ///   - width: The width of the widest input or output of a layer.
    ///   - capacity: The most timesteps.
    init(width: Int, capacity: Int) {
        self.capacity = capacity
        // Kernels write whole vectors, of the last timestep too.
        let floats = width * capacity + Kernels.padding
        unsafe memory = .allocate(capacity: 3 * floats)
        unsafe memory.initialize(repeating: 0, count: 3 * floats)
        unsafe isMasked = .allocate(capacity: max(1, capacity))
        unsafe isMasked.initialize(repeating: false, count: max(1, capacity))
        unsafe x = memory
        unsafe y = memory + floats
        unsafe other = memory + 2 * floats
    }

    deinit {
        unsafe memory.deallocate()
        unsafe isMasked.deallocate()
    }

    /// The last timestep's values.
    var last: UnsafePointer<Float> { unsafe UnsafePointer(x + (count - 1) * width) }

    /// Takes a new sequence, of which no timestep is masked yet.
    ///
    /// - Parameters:
    ///   - timesteps: Shape (count, features).
    ///   - count: At most ``capacity``, at least 1.
    ///   - features: At most the width.
    func begin(_ timesteps: UnsafePointer<Float>, count: Int, features: Int) {
        precondition((1...capacity).contains(count))
        self.count = count
        width = features
        unsafe x.update(from: timesteps, count: count * features)
        unsafe isMasked.update(repeating: false, count: count)
    }

    /// Forgets all timesteps but the last.
    func keepLast() {
        unsafe x.update(from: last, count: width)
        unsafe isMasked[0] = isMasked[count - 1]
        count = 1
    }

    /// Has a layer go over the sequence from the zero state.
    ///
    /// - Parameters:
    ///   - step: The layer.
    ///   - backwards: Whether it takes the last timestep first. Its outputs come in the order in which it takes them.
    ///   - state: Shape (the layer's stateSize), contents undefined before and after.
    ///   - scratch: Shape (the layer's scratchSize).
    func run(
        _ step: LayerStep, backwards: Bool = false, state: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe state.update(repeating: 0, count: step.stateSize)
        for place in 0..<count {
            let timestep = backwards ? count - 1 - place : place
            unsafe take(
                timestep, with: step, into: y + place * step.units, state: state, scratch: scratch)
        }
        give(step.units)
    }

    /// Has a layer go over the sequence from both ends.
    ///
    /// - Parameters:
    ///   - pass: The layer.
    ///   - state: Shape (the larger stateSize of the two directions), contents undefined before and after.
    ///   - scratch: Shape (the larger scratchSize).
    func run(
        _ pass: Bidirectional.Pass, state: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let units = pass.forward.units
        let isConcatenated = pass.merge == .concat
        let stride = isConcatenated ? 2 * units : units
        let backwardOutputs = unsafe isConcatenated ? y + units : other

        unsafe state.update(repeating: 0, count: pass.forward.stateSize)
        for timestep in 0..<count {
            let place = pass.returnsSequences ? timestep : 0
            unsafe take(timestep, with: pass.forward, into: y + place * stride, state: state, scratch: scratch)
        }
        unsafe state.update(repeating: 0, count: pass.backward.stateSize)
        for timestep in (0..<count).reversed() {
            let place = pass.returnsSequences ? timestep : 0
            unsafe take(
                timestep, with: pass.backward, into: backwardOutputs + place * stride, state: state, scratch: scratch)
        }
        if !pass.returnsSequences { count = 1 }
        unsafe pass.merge.apply(y, other, count: count * stride)
        give(stride)
    }

    /// Steps a layer through one timestep.
    private func take(
        _ timestep: Int, with step: LayerStep, into target: UnsafeMutablePointer<Float>,
        state: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        // A whole sequence's state is never used again.
        var isFinite = true
        let output = unsafe step.output(
            for: x + timestep * width, state: state, y: target, scratch: scratch, isMasked: &isMasked[timestep],
            isFinite: &isFinite)
        if unsafe output != UnsafePointer(target) { unsafe target.update(from: output, count: step.units) }
    }

    /// What a layer gave is what the next one takes.
    private func give(_ units: Int) {
        unsafe swap(&x, &y)
        width = units
    }
}

/// A sequence on its way from one layer of a model to the next: the values and the mask of all timesteps.
@safe
final class LayerSequence {
    /// The sizes of a sequence's buffers.
    struct Room {
        /// The number of timesteps in the longest input or output of a layer.
        var timesteps: Int
        /// The number of floats in the largest input or output of a layer.
        var floats: Int
        /// The number of floats of working memory for layers that run over the whole sequence at once.
        var scratch = 0

        /// Returns whether every size is at least that of other buffers.
        func covers(_ other: Room) -> Bool {
            timesteps >= other.timesteps && floats >= other.floats && scratch >= other.scratch
        }
    }

    /// The sizes of the buffers.
    let room: Room

    /// Three buffers of `room.floats`: the next layer's input, its output, and the backward output of a Bidirectional.
    /// Then the working memory.
    private let memory: UnsafeMutablePointer<Float>
    private let isMasked: UnsafeMutablePointer<Bool>
    private var x: UnsafeMutablePointer<Float>
    private var y: UnsafeMutablePointer<Float>
    private let other: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>
    /// The number of timesteps.
    private(set) var count = 0
    private var width = 0

    /// Allocates buffers of the given sizes.
    init(_ room: Room) {
        self.room = room
        // Kernels write whole vectors, even for the last timestep.
        let floats = room.floats + Kernels.padding
        let total = 3 * floats + room.scratch + Kernels.padding
        unsafe memory = .allocate(capacity: total)
        unsafe memory.initialize(repeating: 0, count: total)
        unsafe isMasked = .allocate(capacity: max(1, room.timesteps))
        unsafe isMasked.initialize(repeating: false, count: max(1, room.timesteps))
        unsafe x = memory
        unsafe y = memory + floats
        unsafe other = memory + 2 * floats
        unsafe scratch = memory + 3 * floats
    }

    deinit {
        unsafe memory.deallocate()
        unsafe isMasked.deallocate()
    }

    /// The values of all timesteps, shape (count, width).
    var values: UnsafePointer<Float> { unsafe UnsafePointer(x) }

    /// The values of the last timestep.
    var last: UnsafePointer<Float> { unsafe UnsafePointer(x + (count - 1) * width) }

    /// Begins a new sequence without masked timesteps.
    ///
    /// - Parameters:
    ///   - timesteps: Shape (count, features).
    ///   - count: The number of timesteps, at least 1.
    ///   - features: The width of one timestep.
    func begin(_ timesteps: UnsafePointer<Float>, count: Int, features: Int) {
        precondition((1...room.timesteps).contains(count))
        self.count = count
        width = features
        unsafe x.update(from: timesteps, count: count * features)
        unsafe isMasked.update(repeating: false, count: count)
    }

    /// Drops all timesteps except the last.
    func keepLast() {
        unsafe x.update(from: last, count: width)
        unsafe isMasked[0] = isMasked[count - 1]
        count = 1
    }

    /// Runs a layer over the sequence in one direction, from the zero state.
    ///
    /// - Parameters:
    ///   - step: The layer.
    ///   - isBackward: Whether the layer reads the sequence backward. Its outputs are then in reverse order, too.
    ///   - state: Working memory for the state, shape (the layer's stateSize).
    ///   - scratch: Working memory, shape (the layer's scratchSize).
    func run(
        _ step: LayerStep, isBackward: Bool = false, state: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe state.update(repeating: 0, count: step.stateSize)
        let stepped = isBackward ? 0 : unsafe runAtOnce(step, state: state)
        for place in stepped..<count {
            let timestep = isBackward ? count - 1 - place : place
            unsafe run(
                step, at: timestep, into: y + place * step.units, state: state, scratch: scratch)
        }
        finishLayer(width: step.units)
    }

    /// Runs a layer with a kernel for whole sequences, as far as its state stays finite.
    ///
    /// - Returns: The number of timesteps that were stepped.
    private func runAtOnce(_ step: LayerStep, state: UnsafeMutablePointer<Float>) -> Int {
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
    ///   - state: Working memory for the state, shape (the larger stateSize of the two directions).
    ///   - scratch: Working memory, shape (the larger scratchSize).
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
            unsafe run(pass.forward, at: timestep, into: y + place * stride, state: state, scratch: scratch)
        }
        unsafe state.update(repeating: 0, count: pass.backward.stateSize)
        for timestep in (0..<count).reversed() {
            let place = pass.returnsSequences ? timestep : 0
            unsafe run(
                pass.backward, at: timestep, into: backwardOutputs + place * stride, state: state, scratch: scratch)
        }
        if !pass.returnsSequences { count = 1 }
        unsafe pass.merge.apply(y, other, count: count * stride)
        finishLayer(width: stride)
    }

    /// Runs a layer over the whole sequence at once.
    ///
    /// - Parameters:
    ///   - pass: The layer.
    ///   - timesteps: The number of output timesteps.
    ///   - units: The width of one output timestep.
    func run(_ pass: any SequencePass, timesteps: Int, units: Int) {
        unsafe pass.run(x, count: count, isMasked: isMasked, into: y, scratch: scratch)
        count = timesteps
        finishLayer(width: units)
    }

    /// Steps a layer through one timestep.
    private func run(
        _ step: LayerStep, at timestep: Int, into target: UnsafeMutablePointer<Float>,
        state: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        // Ignore the result: nothing reads the state after the sequence, so a non-finite state does no harm.
        var isFinite = true
        let output = unsafe step.output(
            for: x + timestep * width, state: state, y: target, scratch: scratch, isMasked: &isMasked[timestep],
            isFinite: &isFinite)
        if unsafe output != UnsafePointer(target) { unsafe target.update(from: output, count: step.units) }
    }

    /// Makes the layer's output the next layer's input.
    private func finishLayer(width units: Int) {
        unsafe swap(&x, &y)
        width = units
    }
}

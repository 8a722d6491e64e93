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
        count = unsafe input.run(
            step, isBackward: isBackward, into: y, SequenceMemory(other: other, state: state, scratch: scratch))
        finishLayer(width: step.units)
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
        count = unsafe input.run(pass, into: y, SequenceMemory(other: other, state: state, scratch: scratch))
        finishLayer(width: pass.merge == .concat ? 2 * pass.forward.units : pass.forward.units)
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

    private var input: SequenceSpan { unsafe SequenceSpan(x: x, width: width, count: count, isMasked: isMasked) }

    /// Makes the layer's output the next layer's input.
    private func finishLayer(width units: Int) {
        unsafe swap(&x, &y)
        width = units
    }
}

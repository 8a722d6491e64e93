/// The working memory of the batched path. Its contents are undefined between two steps.
@safe
struct LaneMemory {
    let lanes: Int
    /// Two tiles that hold the outputs of the layers by turns. Each has room for a timestep's inputs too.
    let tiles: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    fileprivate let scratch: UnsafeMutablePointer<Float>
    fileprivate let singleLane: LaneVectors

    init(_ model: Model) {
        lanes = model.kernels.lanes
        let tile = max(model.features, model.widestOutput) * lanes
        unsafe tiles = (.zeros(tile), .zeros(tile))
        unsafe scratch = .zeros(Kernels.padded(model.steps.map(\.laneScratchSize).max() ?? 0))
        singleLane = LaneVectors(model)
    }

    func deallocate() {
        let all = unsafe [tiles.0, tiles.1, scratch]
        for index in unsafe all.indices { unsafe all[index].deallocate() }
        singleLane.deallocate()
    }
}

extension Model {
    /// Steps every lane through one timestep of some layers: every layer in turn.
    ///
    /// - Parameters:
    ///   - layers: The indices of the layers, at least one.
    ///   - x: The inputs of the first layer, shape (features, lanes). It may be the second tile of `memory`.
    ///   - states: The layers' states, shape (n, lanes); the step replaces them.
    ///   - outputs: Receives the outputs of the last layer, shape (units, lanes).
    ///   - memory: Working memory.
    func stepLanes(
        _ layers: Range<Int>, x: UnsafePointer<Float>, states: UnsafeMutablePointer<Float>,
        outputs: UnsafeMutablePointer<Float>, memory: LaneMemory
    ) {
        var x = unsafe x
        var state = unsafe states
        var (y, spare) = unsafe memory.tiles
        let last = layers.upperBound - 1
        for index in layers {
            unsafe x = steps[index].outputLanes(
                for: x, state: state, y: index == last ? outputs : y, scratch: memory.scratch,
                singleLane: memory.singleLane,
                lanes: memory.lanes)
            unsafe state += steps[index].stateSize * memory.lanes
            unsafe swap(&y, &spare)
        }
        // The output of a recurrent layer is in its state.
        if unsafe x != UnsafePointer(outputs) {
            unsafe outputs.update(from: x, count: steps[last].units * memory.lanes)
        }
    }
}

/// Room for the vectors that a step of one lane reads and writes.
@safe
struct LaneVectors {
    let x: UnsafeMutablePointer<Float>
    let state: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>
    let scratch: UnsafeMutablePointer<Float>

    init(_ model: Model) {
        let width = Kernels.padded(max(model.features, model.widestOutput)) + Kernels.padding
        unsafe x = .zeros(width)
        unsafe state = .zeros(model.stateSize + Kernels.padding)
        unsafe y = .zeros(width)
        unsafe scratch = .zeros(model.widestScratch)
    }

    func deallocate() {
        let all = unsafe [x, state, y, scratch]
        for index in unsafe all.indices { unsafe all[index].deallocate() }
    }
}

extension UnsafeMutablePointer<Float> {
    /// Allocates at least one zero, from the beginning of a cache line on. The caller deallocates the memory.
    static func zeros(_ count: Int) -> UnsafeMutablePointer<Float> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
        return unsafe memory.initializeMemory(as: Float.self, repeating: 0, count: max(1, count))
    }
}

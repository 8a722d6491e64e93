/// The working memory of the batched path. Its contents are undefined between steps.
@safe
struct LaneMemory {
    let lanes: Int
    /// Two tiles, used alternately for the layers' outputs. Each also has room for the inputs of one timestep.
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
    /// Steps every lane through one timestep of the given layers, in order.
    ///
    /// - Parameters:
    ///   - layers: The indices of the layers, at least one.
    ///   - x: The inputs of the first layer, shape (features, lanes). `x` may be the second tile of `memory`.
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
        // A recurrent layer leaves its output in its state, so copy the output from there.
        if unsafe x != UnsafePointer(outputs) {
            unsafe outputs.update(from: x, count: steps[last].units * memory.lanes)
        }
    }
}

/// Memory for the vectors that a step of one lane reads and writes.
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
    /// Allocates `count` zeros (at least one), aligned to a cache line. The caller deallocates the memory.
    static func zeros(_ count: Int) -> UnsafeMutablePointer<Float> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
        return unsafe memory.initializeMemory(as: Float.self, repeating: 0, count: max(1, count))
    }
}

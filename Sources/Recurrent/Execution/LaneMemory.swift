/// What a step of many lanes needs beside inputs and states, and nothing of it from step to step.
@safe
struct LaneMemory {
    let lanes: Int
    /// Tiles for what a layer gives, by turns; each has room for a timestep's inputs too.
    let tiles: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    fileprivate let scratch: UnsafeMutablePointer<Float>
    fileprivate let apart: LaneVectors

    init(_ model: Model) {
        lanes = model.kernels.lanes
        let tile = max(model.features, model.widestOutput) * lanes
        unsafe tiles = (.zeros(tile), .zeros(tile))
        unsafe scratch = .zeros(Kernels.padded(model.steps.map(\.scratchSizeOfLanes).max() ?? 0))
        apart = LaneVectors(model)
    }

    func deallocate() {
        let all = unsafe [tiles.0, tiles.1, scratch]
        for index in unsafe all.indices { unsafe all[index].deallocate() }
        apart.deallocate()
    }
}

extension Model {
    /// Takes one timestep of every lane through some layers: every layer's equation in turn, each layer reading what the one
    /// before wrote.
    ///
    /// - Parameters:
    ///   - layers: Which, at least one.
    ///   - x: The inputs of the first of them, shape (features, lanes); may be the second of the memory's tiles.
    ///   - states: The layers' states, shape (n, lanes); replaced.
    ///   - outputs: Where the outputs of the last of them go, shape (units, lanes).
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
            unsafe x = steps[index].outputOfLanes(
                for: x, state: state, y: index == last ? outputs : y, scratch: memory.scratch, apart: memory.apart,
                lanes: memory.lanes)
            unsafe state += steps[index].stateSize * memory.lanes
            unsafe swap(&y, &spare)
        }
        // Some layers' outputs are their states.
        if unsafe x != UnsafePointer(outputs) {
            unsafe outputs.update(from: x, count: steps[last].units * memory.lanes)
        }
    }
}

/// Room for what one lane's step reads and writes.
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
    /// So many zeros, at least one, on a cache line of their own. To be deallocated.
    static func zeros(_ count: Int) -> UnsafeMutablePointer<Float> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
        return unsafe memory.initializeMemory(as: Float.self, repeating: 0, count: max(1, count))
    }
}

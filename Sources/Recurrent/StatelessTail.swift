/// The layers behind the last one that has a state: what they answer to one timestep needs nothing of those before. So many
/// timesteps of one stream are taken through them at once, a lane each, once the layers before have taken them one by one.
///
/// The next timestep then need not wait until the processor is done with the answer to this one.
@safe
final class StatelessTail {
    private let model: Model
    /// Layers before the tail.
    private let head: Int
    /// Floats that the tail takes of one timestep.
    private let width: Int
    private let lanes: Int
    /// From how many timesteps on that is worthwhile.
    let fewest: Int

    /// What the tail takes, shape (lanes, width), and the same as tiles.
    private let inputs: UnsafeMutablePointer<Float>
    private let rows: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let tiles: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    private let scratch: UnsafeMutablePointer<Float>
    private let apart: LaneVectors
    private let answers: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let nowhere: UnsafeMutablePointer<Float>

    /// Nil where a model has none, or masks.
    init?(_ model: Model) {
        let head = (model.steps.lastIndex { $0.stateSize > 0 } ?? -1) + 1
        guard head < model.steps.count, model.isCausal, !model.hasMasks else { return nil }
        self.model = model
        self.head = head
        width = model.steps[head].features
        lanes = model.kernels.lanes
        fewest = model.fewestInLanes(of: head..<model.steps.count)
        let widest = max(width, model.steps[head...].map(\.units).max() ?? 0)
        let tail = model.steps[head...]
        unsafe inputs = .zeros(width * lanes)
        unsafe rows = .allocate(capacity: lanes)
        for lane in 0..<lanes { unsafe rows[lane] = UnsafePointer(inputs + lane * width) }
        unsafe tiles = (.zeros(widest * lanes), .zeros(widest * lanes))
        unsafe scratch = .zeros(Kernels.padded(tail.map(\.scratchSizeOfLanes).max() ?? 0))
        apart = LaneVectors(model)
        unsafe nowhere = .zeros(model.outputs)
        unsafe answers = .allocate(capacity: lanes)
        unsafe answers.initialize(repeating: nowhere, count: lanes)
    }

    deinit {
        let floats = unsafe [inputs, tiles.0, tiles.1, scratch, nowhere]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        unsafe rows.deallocate()
        unsafe answers.deallocate()
        apart.deallocate()
    }

    /// Takes timesteps of one stream, up to where its state is not finite any more.
    ///
    /// - Parameters:
    ///   - count: How many, at most as many as there are lanes.
    ///   - timesteps: Shape (count, features).
    ///   - row: The stream's row of the pool: its state and its outputs are replaced.
    ///   - answers: Shape (count, outputs).
    ///   - scratch: Shape (the model's scratchSize).
    /// - Returns: How many were taken, and whether the state is finite after the last of them.
    func run(
        _ count: Int, _ timesteps: UnsafePointer<Float>, row: UnsafeMutablePointer<Float>,
        answers: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> (taken: Int, isFinite: Bool) {
        let (taken, isFinite) = unsafe takeHead(count, timesteps, state: row, scratch: scratch)
        let tile = unsafe answerAll()
        if model.outputs == 1 {
            // Side by side, as the tile has them.
            unsafe answers.update(from: tile, count: taken)
        } else {
            for lane in 0..<lanes {
                unsafe self.answers[lane] = lane < taken ? answers + lane * model.outputs : nowhere
            }
            unsafe model.kernels.scatter(tile, to: self.answers, count: model.outputs)
        }
        unsafe (row + model.stateSize).copy(answers + (taken - 1) * model.outputs, count: model.outputs)
        return (taken, isFinite)
    }

    /// Takes timesteps through the layers before, up to where their state is not finite any more, and leaves what they gave in
    /// `rows`.
    private func takeHead(
        _ count: Int, _ timesteps: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) -> (taken: Int, isFinite: Bool) {
        if head == 0 {
            for lane in 0..<count { unsafe rows[lane] = timesteps + lane * width }
            for lane in count..<lanes { unsafe rows[lane] = UnsafePointer(inputs) }
            return (count, true)
        }
        if head == 1,
            let finite = unsafe model.steps[0].takeAll(
                count, x: timesteps, state: state, outputs: inputs, scratch: scratch)
        {
            return (min(finite + 1, count), finite == count)
        }
        var taken = 0
        var isFinite = true
        while taken < count && isFinite {
            isFinite = unsafe model.step(
                firstLayers: head, input: timesteps + taken * model.features, state: state,
                output: inputs + taken * width, outputs: width, scratch: scratch)
            taken += 1
        }
        return (taken, isFinite)
    }

    /// Takes what the layers before gave through the tail; lanes that are not taken have what was there before.
    ///
    /// - Returns: The answers, shape (outputs, lanes).
    private func answerAll() -> UnsafePointer<Float> {
        var (x, y) = unsafe tiles
        unsafe model.kernels.gather(x, from: rows, count: width)
        for index in head..<model.steps.count {
            // Where it has no state, the state is not looked at.
            let output = unsafe model.steps[index].outputOfLanes(
                for: x, state: y, y: y, scratch: scratch, apart: apart, lanes: lanes)
            if unsafe output == UnsafePointer(y) { unsafe swap(&x, &y) }
        }
        return unsafe UnsafePointer(x)
    }
}

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
    private let memory: LaneMemory
    /// From how many timesteps on that is worthwhile.
    let fewest: Int

    /// What the tail takes, shape (lanes, width), and where each lane's stands.
    private let inputs: UnsafeMutablePointer<Float>
    private let rows: UnsafeMutablePointer<UnsafePointer<Float>?>
    /// What it gives, shape (outputs, lanes), and where each lane's goes.
    private let outputs: UnsafeMutablePointer<Float>
    private let answers: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let nowhere: UnsafeMutablePointer<Float>

    /// Nil where a model has none, or masks.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - memory: Working memory, which others may use between two runs.
    init?(_ model: Model, _ memory: LaneMemory) {
        let head = (model.steps.lastIndex { $0.stateSize > 0 } ?? -1) + 1
        guard head < model.steps.count, model.isCausal, !model.hasMasks else { return nil }
        self.model = model
        self.head = head
        self.memory = memory
        width = model.steps[head].features
        fewest = model.fewestInLanes(of: head..<model.steps.count)
        let lanes = memory.lanes
        unsafe inputs = .zeros(width * lanes)
        unsafe rows = .allocate(capacity: lanes)
        for lane in 0..<lanes { unsafe rows[lane] = UnsafePointer(inputs + lane * width) }
        unsafe outputs = .zeros(model.outputs * lanes)
        unsafe nowhere = .zeros(model.outputs)
        unsafe answers = .allocate(capacity: lanes)
        unsafe answers.initialize(repeating: nowhere, count: lanes)
    }

    deinit {
        let floats = unsafe [inputs, outputs, nowhere]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        unsafe rows.deallocate()
        unsafe answers.deallocate()
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
        answerAll()
        if model.outputs == 1 {
            // Side by side, as the tile has them.
            unsafe answers.update(from: outputs, count: taken)
        } else {
            for lane in 0..<memory.lanes {
                unsafe self.answers[lane] = lane < taken ? answers + lane * model.outputs : nowhere
            }
            unsafe model.kernels.scatter(outputs, to: self.answers, count: model.outputs)
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
            for lane in count..<memory.lanes { unsafe rows[lane] = UnsafePointer(inputs) }
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
    private func answerAll() {
        let x = unsafe memory.tiles.1
        unsafe model.kernels.gather(x, from: rows, count: width)
        // There are no states, so where they stand does not matter.
        unsafe model.stepLanes(head..<model.steps.count, x: x, states: outputs, outputs: outputs, memory: memory)
    }
}

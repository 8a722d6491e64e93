/// The layers behind the last one that has a state, or all where none has: what they answer to one timestep needs nothing of
/// those before. So many timesteps of one stream are taken through them at once, a lane each, once the layers before have taken
/// them one by one.
///
/// The next timestep then need not wait until the processor is done with the answer to this one. ``Dense`` layers take the
/// timesteps as they stand, also before the one layer with a state, where there are some.
@safe
final class StatelessTail {
    private let model: Model
    /// Layers before the tail.
    private let head: Int
    /// All of those but the last, where they are such layers and the last takes all that they give.
    private let lead: DenseRun?
    /// The tail's first layers, where they are such.
    private let run: DenseRun?
    /// The tail's others, which take a timestep in each lane.
    private let rest: Range<Int>
    /// Floats that those take of one timestep.
    private let width: Int
    private let memory: LaneMemory
    /// The first of those, where it takes what the layers before give as they give it: row by row.
    private let takingRows: UnsafePointer<Dense.Step>?
    /// From how many timesteps on that is worthwhile, of at most a lane each.
    private let fewest: Int
    /// How many timesteps are taken before the tail: so many that the processor need not wait for one tile's answers before it
    /// begins with the next.
    private let most: Int

    /// What the layers before the tail give, shape (most, their last one's units).
    private let inputs: UnsafeMutablePointer<Float>
    /// What the tail gives, shape (outputs, lanes).
    private let outputs: UnsafeMutablePointer<Float>
    /// Where each lane's input stands and its answer goes; those of lanes that are not taken in `nowhere`.
    private let rows: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let answers: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let nowhere: UnsafeMutablePointer<Float>

    /// Nil where a model has none, or masks, or where taking a timestep in each lane never pays.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - memory: Working memory, which others may use between two runs.
    init?(_ model: Model, _ memory: LaneMemory) {
        let head = (model.steps.lastIndex { $0.stateSize > 0 } ?? -1) + 1
        guard head < model.steps.count, model.isCausal, !model.hasMasks else { return nil }
        let most = 4 * memory.lanes
        let denses = DenseRun.layers(of: model, in: head..<model.steps.count)
        let rest = denses.upperBound..<model.steps.count
        // Without lanes to fill any number but one.
        fewest = rest.isEmpty ? 2 : model.fewestInLanes(of: rest)
        guard fewest <= memory.lanes else { return nil }
        self.model = model
        self.head = head
        self.memory = memory
        self.most = most
        run = denses.isEmpty ? nil : DenseRun(model, denses, most: most)
        self.rest = rest
        lead = Self.lead(of: model, head: head, most: most)
        // A message's own timesteps may be fewer than the rows that are read.
        unsafe takingRows = rest.lowerBound > 0 && !rest.isEmpty ? model.steps[rest.lowerBound].takingRows : nil
        width = rest.isEmpty ? 0 : model.steps[rest.lowerBound].features
        unsafe inputs = .zeros(model.steps[head].features * most + Kernels.padding)
        unsafe outputs = .zeros(model.outputs * memory.lanes)
        unsafe nowhere = .zeros(max(width, model.outputs))
        unsafe rows = .allocate(capacity: memory.lanes)
        unsafe rows.initialize(repeating: UnsafePointer(nowhere), count: memory.lanes)
        unsafe answers = .allocate(capacity: memory.lanes)
        unsafe answers.initialize(repeating: nowhere, count: memory.lanes)
    }

    deinit {
        let floats = unsafe [inputs, outputs, nowhere]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        unsafe rows.deallocate()
        unsafe answers.deallocate()
        lead?.deallocate()
        run?.deallocate()
    }

    /// The layers before the last one that has a state: see ``lead``.
    private static func lead(of model: Model, head: Int, most: Int) -> DenseRun? {
        guard head > 1, model.steps[head - 1].takesAll else { return nil }
        let layers = 0..<(head - 1)
        return layers == DenseRun.layers(of: model, in: layers) ? DenseRun(model, layers, most: most) : nil
    }

    /// How many timesteps of a stream to take next, of so many that are there; 0 where they are better taken one by one.
    func timestepsAtOnce(of available: Int) -> Int {
        let count = min(available, most)
        let inLastTile = count % memory.lanes
        return inLastTile < fewest ? count - inLastTile : count
    }

    /// Takes timesteps of one stream, up to where its state is not finite any more.
    ///
    /// - Parameters:
    ///   - count: How many, from ``timestepsAtOnce(of:)``.
    ///   - timesteps: Shape (count, features).
    ///   - row: The stream's row of the pool: its state and its outputs are replaced.
    ///   - answers: Shape (count, outputs).
    ///   - scratch: Shape (the model's scratchSize).
    /// - Returns: How many were taken, and whether the state is finite after the last of them.
    func run(
        _ count: Int, _ timesteps: UnsafePointer<Float>, row: UnsafeMutablePointer<Float>,
        answers: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> (taken: Int, isFinite: Bool) {
        var (taken, isFinite) = (count, true)
        if head > 0 { (taken, isFinite) = unsafe takeHead(count, timesteps, state: row, scratch: scratch) }
        var inputs = unsafe head > 0 ? UnsafePointer(inputs) : timesteps
        if let run { unsafe inputs = run(taken, inputs) }
        if rest.isEmpty {
            unsafe answers.update(from: inputs, count: taken * model.outputs)
        } else {
            for first in stride(from: 0, to: taken, by: memory.lanes) {
                unsafe answer(
                    min(taken - first, memory.lanes), inputs: inputs + first * width,
                    to: answers + first * model.outputs)
            }
        }
        unsafe (row + model.stateSize).copy(answers + (taken - 1) * model.outputs, count: model.outputs)
        return (taken, isFinite)
    }

    /// Takes timesteps through the layers before, up to where their state is not finite any more: what they give goes to
    /// `inputs`.
    private func takeHead(
        _ count: Int, _ timesteps: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) -> (taken: Int, isFinite: Bool) {
        if head == 1 || lead != nil,
            let finite = unsafe model.steps[head - 1].takeAll(
                count, x: lead?(count, timesteps) ?? timesteps, state: state, outputs: inputs)
        {
            return (min(finite + 1, count), finite == count)
        }
        var taken = 0
        var isFinite = true
        while taken < count && isFinite {
            isFinite = unsafe model.step(
                firstLayers: head, input: timesteps + taken * model.features, state: state,
                output: inputs + taken * model.steps[head].features, outputs: model.steps[head].features,
                scratch: scratch)
            taken += 1
        }
        return (taken, isFinite)
    }

    /// Takes what the layers before gave through the rest.
    ///
    /// - Parameters:
    ///   - count: Of how many timesteps, at most as many as there are lanes.
    ///   - inputs: Shape (count, width).
    ///   - answers: Shape (count, outputs).
    private func answer(_ count: Int, inputs: UnsafePointer<Float>, to answers: UnsafeMutablePointer<Float>) {
        var layers = rest
        let x = unsafe memory.tiles.1
        if let takingRows = unsafe takingRows {
            layers.removeFirst()
            unsafe takingRows.pointee.stepRows(x: inputs, y: layers.isEmpty ? outputs : x)
        } else {
            for lane in 0..<memory.lanes {
                unsafe rows[lane] = lane < count ? inputs + lane * width : UnsafePointer(nowhere)
            }
            unsafe model.kernels.gather(x, from: rows, count: width)
        }
        if !layers.isEmpty {
            // There are no states, so where they stand does not matter.
            unsafe model.stepLanes(layers, x: x, states: outputs, outputs: outputs, memory: memory)
        }
        if model.outputs == 1 {
            // Side by side, as the tile has them.
            unsafe answers.update(from: outputs, count: count)
        } else {
            for lane in 0..<memory.lanes {
                unsafe self.answers[lane] = lane < count ? answers + lane * model.outputs : nowhere
            }
            unsafe model.kernels.scatter(outputs, to: self.answers, count: model.outputs)
        }
    }
}

/// The layers after the last layer with a state, or all layers if none has a state. Their output at a timestep depends
/// only on their input at that timestep.
///
/// The layers before the tail are the head. The head steps a sequence one timestep at a time, without waiting for the
/// tail's outputs. The tail then steps many timesteps at once, one per lane. ``Dense`` layers at the beginning of the
/// tail, or before the only layer with a state, step a whole sequence without tiles.
@safe
final class StatelessTail {
    private let model: Model
    /// The number of layers before the tail.
    private let head: Int
    /// The Dense layers before the head's last layer. Nil unless all layers of the head except its last form one run of
    /// Dense layers, and the head's last layer can step sequences.
    private let lead: DenseRun?
    /// The leading Dense layers of the tail that can step sequences.
    private let run: DenseRun?
    /// The remaining layers of the tail, which step one timestep in each lane.
    private let rest: Range<Int>
    /// The width of the input of ``rest``.
    private let width: Int
    private let memory: LaneMemory
    /// The first layer of ``rest``, if it can read its inputs without a tile.
    private let rowDense: UnsafePointer<Dense.Step>?
    /// The minimum number of timesteps in a tile for which the tail is faster than the scalar path.
    private let threshold: Int
    /// The maximum number of timesteps to step at once. It covers several tiles, so that the processor can start a tile
    /// before it has finished the previous one.
    private let capacity: Int

    /// The head's outputs, shape (capacity, width of the head's output).
    private let inputs: UnsafeMutablePointer<Float>
    /// The tail's outputs, shape (outputs, lanes).
    private let outputs: UnsafeMutablePointer<Float>
    /// Each lane's input and output. Idle lanes point to `idleVector`.
    private let laneInputs: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let laneOutputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let idleVector: UnsafeMutablePointer<Float>

    /// Creates the tail of a model. Nil if the last layer has a state, if the model is not causal, needs the scalar path, or if
    /// stepping the tail separately is never faster.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - memory: Working memory. Other code may use it between runs.
    init?(_ model: Model, _ memory: LaneMemory) {
        let head = (model.steps.lastIndex { $0.stateSize > 0 } ?? -1) + 1
        guard head < model.steps.count, model.isCausal, !model.needsScalarPath else { return nil }
        let capacity = 4 * memory.lanes
        let denses = DenseRun.layers(of: model, in: head..<model.steps.count)
        let rest = denses.upperBound..<model.steps.count
        // Without tiles to fill, two timesteps are enough to make the tail faster.
        threshold = rest.isEmpty ? 2 : model.batchThreshold(of: rest)
        guard threshold <= memory.lanes else { return nil }
        self.model = model
        self.head = head
        self.memory = memory
        self.capacity = capacity
        run = denses.isEmpty ? nil : DenseRun(model, denses, capacity: capacity)
        self.rest = rest
        lead = Self.lead(of: model, head: head, capacity: capacity)
        // The model's first layer needs a tile, because a message may have fewer timesteps than the kernel reads.
        unsafe rowDense = rest.lowerBound > 0 && !rest.isEmpty ? model.steps[rest.lowerBound].rowDense : nil
        width = rest.isEmpty ? 0 : model.steps[rest.lowerBound].features
        unsafe inputs = .zeros(model.steps[head].features * capacity + Kernels.padding)
        unsafe outputs = .zeros(model.outputs * memory.lanes)
        unsafe idleVector = .zeros(max(width, model.outputs))
        unsafe laneInputs = .allocate(capacity: memory.lanes)
        unsafe laneInputs.initialize(repeating: UnsafePointer(idleVector), count: memory.lanes)
        unsafe laneOutputs = .allocate(capacity: memory.lanes)
        unsafe laneOutputs.initialize(repeating: idleVector, count: memory.lanes)
    }

    deinit {
        let floats = unsafe [inputs, outputs, idleVector]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        unsafe laneInputs.deallocate()
        unsafe laneOutputs.deallocate()
        lead?.deallocate()
        run?.deallocate()
    }

    /// Returns the value of ``lead``.
    private static func lead(of model: Model, head: Int, capacity: Int) -> DenseRun? {
        guard head > 1, model.steps[head - 1].canStepSequence else { return nil }
        let layers = 0..<(head - 1)
        return layers == DenseRun.layers(of: model, in: layers) ? DenseRun(model, layers, capacity: capacity) : nil
    }

    /// Returns how many of the available timesteps to step next, or 0 if the scalar path is faster.
    func timestepsAtOnce(of available: Int) -> Int {
        let count = min(available, capacity)
        let inLastTile = count % memory.lanes
        return inLastTile < threshold ? count - inLastTile : count
    }

    /// Steps one stream through a sequence, up to the first timestep that makes the state non-finite.
    ///
    /// - Parameters:
    ///   - count: The number of timesteps, from ``timestepsAtOnce(of:)``.
    ///   - timesteps: Shape (count, features).
    ///   - row: The stream's row of the pool; the step replaces its state and its outputs.
    ///   - outputs: Receives the outputs, shape (count, outputs).
    ///   - scratch: Working memory, shape (the model's scratchSize).
    /// - Returns: The number of timesteps that were stepped, and whether the state is finite after the last one.
    func run(
        _ count: Int, _ timesteps: UnsafePointer<Float>, row: UnsafeMutablePointer<Float>,
        outputs: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> (stepped: Int, isFinite: Bool) {
        var (stepped, isFinite) = (count, true)
        if head > 0 { (stepped, isFinite) = unsafe stepHead(count, timesteps, state: row, scratch: scratch) }
        var inputs = unsafe head > 0 ? UnsafePointer(inputs) : timesteps
        if let run { unsafe inputs = run(stepped, inputs) }
        if rest.isEmpty {
            unsafe outputs.update(from: inputs, count: stepped * model.outputs)
        } else {
            for first in stride(from: 0, to: stepped, by: memory.lanes) {
                unsafe stepRest(
                    min(stepped - first, memory.lanes), inputs: inputs + first * width,
                    outputs: outputs + first * model.outputs)
            }
        }
        unsafe (row + model.stateSize).copy(outputs + (stepped - 1) * model.outputs, count: model.outputs)
        return (stepped, isFinite)
    }

    /// Steps the head through a sequence, up to the first timestep that makes its state non-finite. The head's outputs
    /// go to `inputs`.
    private func stepHead(
        _ count: Int, _ timesteps: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) -> (stepped: Int, isFinite: Bool) {
        if head == 1 || lead != nil,
            let finite = unsafe model.steps[head - 1].stepSequence(
                count, x: lead?(count, timesteps) ?? timesteps, state: state, outputs: inputs)
        {
            return (min(finite + 1, count), finite == count)
        }
        var stepped = 0
        var isFinite = true
        while stepped < count && isFinite {
            isFinite = unsafe model.step(
                firstLayers: head, input: timesteps + stepped * model.features, state: state,
                output: inputs + stepped * model.steps[head].features, outputs: model.steps[head].features,
                scratch: scratch)
            stepped += 1
        }
        return (stepped, isFinite)
    }

    /// Steps ``rest`` through one tile of timesteps.
    ///
    /// - Parameters:
    ///   - count: The number of timesteps, at most the number of lanes.
    ///   - inputs: Shape (count, width).
    ///   - target: Receives the outputs, shape (count, outputs).
    private func stepRest(_ count: Int, inputs: UnsafePointer<Float>, outputs target: UnsafeMutablePointer<Float>) {
        var layers = rest
        let x = unsafe memory.tiles.1
        if let rowDense = unsafe rowDense {
            layers.removeFirst()
            unsafe rowDense.pointee.stepRows(x: inputs, y: layers.isEmpty ? outputs : x)
        } else {
            for lane in 0..<memory.lanes {
                unsafe laneInputs[lane] = lane < count ? inputs + lane * width : UnsafePointer(idleVector)
            }
            unsafe model.kernels.gather(x, from: laneInputs, count: width)
        }
        if !layers.isEmpty {
            // None of these layers has a state, so any pointer will do for the states.
            unsafe model.stepLanes(layers, x: x, states: outputs, outputs: outputs, memory: memory)
        }
        if model.outputs == 1 {
            // With one output per timestep, the tile's only row is the result.
            unsafe target.update(from: outputs, count: count)
        } else {
            for lane in 0..<memory.lanes {
                unsafe laneOutputs[lane] = lane < count ? target + lane * model.outputs : idleVector
            }
            unsafe model.kernels.scatter(outputs, to: laneOutputs, count: model.outputs)
        }
    }
}

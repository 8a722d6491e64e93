import Recurrent

/// What the streams of one model remember from message to message, each in a row of its own.
enum StreamMemory {
    /// The state after the last timestep, and how the next ones are taken.
    case state(StepBatch)
    /// The timesteps that the next decision needs.
    case timesteps(TimestepBuffers)

    init(_ served: ServedModel, workers: StepWorkers) {
        switch served.rule.basis {
        case .state:
            self = .state(
                StepBatch(
                    pool: StatePool(model: served.model), sequenceLength: served.rule.lastStep.map { Int($0) },
                    workers: workers))
        case .sequence(let maximum): self = .timesteps(TimestepBuffers(model: served.model, capacity: maximum))
        case .window(let window): self = .timesteps(TimestepBuffers(model: served.model, capacity: window.length))
        }
    }

    /// The same rows for other weights, with which they can go on; these have none any more.
    ///
    /// - Parameters:
    ///   - served: The weights, with as many outputs.
    ///   - workers: The threads that step.
    /// - Returns: The rows, under the same numbers.
    func handOver(to served: ServedModel, workers: StepWorkers) -> StreamMemory {
        switch self {
        case .state(let steps):
            return .state(
                StepBatch(
                    pool: StatePool(takingRowsOf: steps.pool, model: served.model),
                    sequenceLength: served.rule.lastStep.map { Int($0) }, workers: workers))
        case .timesteps(let buffers):
            let memory = StreamMemory(served, workers: workers)
            if case .timesteps(let new) = memory { new.takeRows(of: buffers) }
            return memory
        }
    }

    /// Gives out a row as it is before the first timestep.
    func insert() -> Int {
        switch self {
        case .state(let steps): steps.pool.insert()
        case .timesteps(let buffers): buffers.insert()
        }
    }

    /// Takes a row back.
    func remove(_ row: Int) {
        switch self {
        case .state(let steps): steps.pool.remove(row)
        case .timesteps(let buffers): buffers.remove(row)
        }
    }

    /// Forgets what came before, but for the last outputs.
    func reset(_ row: Int) {
        switch self {
        case .state(let steps): steps.pool.reset(row)
        case .timesteps(let buffers): buffers.reset(row)
        }
    }

    /// The last answer, shape (outputs).
    func outputs(of row: Int) -> [Float] {
        switch self {
        case .state(let steps): steps.pool.copyOfOutputs(of: row)
        case .timesteps(let buffers): buffers.outputs(of: row)
        }
    }

    /// The whole row, as ``StreamImage/values`` has it.
    func values(of row: Int) -> [Float] {
        switch self {
        case .state(let steps): steps.pool.copy(of: row)
        case .timesteps(let buffers): buffers.values(of: row)
        }
    }

    /// How many values a row has that remembers nothing: zeros, and the last outputs.
    var emptyCount: Int {
        switch self {
        case .state(let steps): steps.pool.valuesPerRow
        case .timesteps(let buffers): buffers.outputCount
        }
    }

    /// How many values a copy of a row has, as far as that is known beforehand.
    var usualValuesPerRow: Int {
        switch self {
        case .state(let steps): steps.pool.valuesPerRow
        case .timesteps: 0
        }
    }

    /// Whether so many values are as many as a row of the model can have at a step.
    func fits(_ valueCount: Int, at step: UInt64, of served: ServedModel) -> Bool {
        switch self {
        case .state(let steps): valueCount == steps.pool.valuesPerRow
        case .timesteps(let buffers):
            buffers.timesteps(in: valueCount).map { served.rule.basis.canKeep($0, at: step) } ?? false
        }
    }

    /// Puts a whole row back as ``StreamImage/values`` has it.
    func replace(_ row: Int, with values: Span<Float>) {
        switch self {
        case .state(let steps): steps.pool.replace(row, with: values)
        case .timesteps(let buffers): buffers.replace(row, with: Array(copying: values))
        }
    }
}

extension StatePool {
    fileprivate func copyOfOutputs(of row: Int) -> [Float] { Array(copying: outputs(of: row)) }
    fileprivate func copy(of row: Int) -> [Float] { Array(copying: values(of: row)) }
}

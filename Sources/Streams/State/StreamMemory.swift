import Recurrent

/// The data that the streams of one model keep between messages. Each stream has a row.
enum StreamMemory {
    /// The state after the last timestep, and the batch that steps it.
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

    /// Moves the rows to a new value for other weights, which must be able to continue the streams' states. Afterwards,
    /// this value has no rows.
    ///
    /// - Parameters:
    ///   - served: The new weights, with the same number of outputs.
    ///   - workers: The threads that step streams.
    /// - Returns: The new value. The rows keep their numbers.
    func handOver(to served: ServedModel, workers: StepWorkers) -> StreamMemory {
        switch self {
        case .state(let steps):
            return .state(
                StepBatch(
                    pool: StatePool(movingRowsOf: steps.pool, model: served.model),
                    sequenceLength: served.rule.lastStep.map { Int($0) }, workers: workers))
        case .timesteps(let buffers):
            let memory = StreamMemory(served, workers: workers)
            if case .timesteps(let new) = memory { new.takeRows(of: buffers) }
            return memory
        }
    }

    /// The batch that steps the rows; nil if the rows keep timesteps.
    var steps: StepBatch? { if case .state(let steps) = self { steps } else { nil } }

    /// Adds a row without history and returns its number.
    func insert() -> Int {
        switch self {
        case .state(let steps): steps.pool.insert()
        case .timesteps(let buffers): buffers.insert()
        }
    }

    func remove(_ row: Int) {
        switch self {
        case .state(let steps): steps.pool.remove(row)
        case .timesteps(let buffers): buffers.remove(row)
        }
    }

    /// Resets a row, except for the last outputs.
    func reset(_ row: Int) {
        switch self {
        case .state(let steps): steps.pool.reset(row)
        case .timesteps(let buffers): buffers.reset(row)
        }
    }

    /// The last outputs, shape (outputs).
    func outputs(of row: Int) -> [Float] {
        switch self {
        case .state(let steps): steps.pool.copyOfOutputs(of: row)
        case .timesteps(let buffers): buffers.outputs(of: row)
        }
    }

    /// The whole row in the format of ``StreamImage/values``.
    func values(of row: Int) -> [Float] {
        switch self {
        case .state(let steps): steps.pool.copy(of: row)
        case .timesteps(let buffers): buffers.values(of: row)
        }
    }

    /// The number of values in a row without history: the zero state, if the row has a state, and the last outputs.
    var emptyCount: Int {
        switch self {
        case .state(let steps): steps.pool.valuesPerRow
        case .timesteps(let buffers): buffers.outputCount
        }
    }

    /// The number of values in a copy of a row; 0 if rows differ in size.
    var usualValuesPerRow: Int {
        switch self {
        case .state(let steps): steps.pool.valuesPerRow
        case .timesteps: 0
        }
    }

    /// Whether a row can hold the given number of values while its stream is at the given step.
    func fits(_ valueCount: Int, at step: UInt64, of served: ServedModel) -> Bool {
        switch self {
        case .state(let steps): valueCount == steps.pool.valuesPerRow
        case .timesteps(let buffers):
            buffers.timesteps(in: valueCount).map { served.rule.basis.canKeep($0, at: step) } ?? false
        }
    }

    /// Replaces a whole row with values in the format of ``StreamImage/values``.
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

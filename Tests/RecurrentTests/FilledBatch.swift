import Recurrent

/// A batch that also stores the values of its timesteps.
final class FilledBatch {
    private let batch: StepBatch
    private var values: [Float] = []

    init(pool: StatePool, sequenceLength: Int? = nil, workers: StepWorkers = StepWorkers()) {
        batch = StepBatch(pool: pool, sequenceLength: sequenceLength, workers: workers)
    }

    var pool: StatePool { batch.pool }

    func add(
        _ row: Int, _ timesteps: [Float], count: Int, hash: UInt32 = 0, untilReset: Int? = nil,
        resetsAtEnd: Bool = false
    ) {
        _ = batch.add(
            row, at: values.count, count: count, hash: hash, untilReset: untilReset, resetsAtEnd: resetsAtEnd)
        values += timesteps
    }

    func run() {
        let values = values
        batch.run(on: values.span)
    }

    func resume(_ job: Int, untilReset: Int?) {
        let values = values
        batch.resume(job, untilReset: untilReset, on: values.span)
    }

    func removeAll() {
        batch.removeAll()
        values = []
    }

    func steppedTimesteps(of job: Int) -> Int { batch.steppedTimesteps(of: job) }

    func isFaulty(_ job: Int) -> Bool { batch.isFaulty(job) }

    func output(at timestep: Int, of job: Int) -> [Float] {
        let batch = batch
        return batch.output(at: timestep, of: job).array
    }
}

/// Timesteps of many streams that are stepped together, and the model's outputs for them. All streams have the same
/// model.
///
/// The owner keeps the values of the timesteps and adds one job per stream. It calls ``run(on:)``, reads the outputs,
/// and empties the batch with ``removeAll()``. The batch keeps its buffers for reuse. It has one owner on one thread.
@safe
public final class StepBatch {
    // Public because the hot path is in other modules, and Swift does not inline package declarations across modules.

    /// The streams' states.
    package let pool: StatePool
    private let sequenceLength: Int
    /// The number of floats in one timestep.
    public let features: Int
    /// The number of floats in one output.
    @usableFromInline let outputs: Int
    @usableFromInline let contents: Confined<Contents>
    private let workers: StepWorkers
    @usableFromInline let sharesWork: Bool
    /// The stepper for the owner's thread.
    private let stepper: Stepper
    /// One stepper for each of the other workers.
    private let helpers: [Stepper]

    /// The fields that change from batch to batch.
    @usableFromInline
    struct Contents: ~Copyable {
        @usableFromInline var jobs = GrowingBuffer<StepJob>()
        /// The distribution of the jobs over the workers; empty if there is only one worker.
        @usableFromInline var shares: JobShares
        /// The total number of timesteps of all jobs.
        @usableFromInline var timesteps = 0
        /// The minimum number of values to pass to ``run(on:)``, enough to cover all jobs.
        @usableFromInline var valueCount = 0
        /// Shape (timesteps, outputs).
        @usableFromInline var outputs = GrowingBuffer<Float>()
    }

    /// Creates an empty batch.
    ///
    /// - Parameters:
    ///   - pool: The streams' states.
    ///   - sequenceLength: The number of timesteps after which a state resets to zero; nil if it never resets.
    ///   - workers: The threads that step the batch.
    package init(pool: StatePool, sequenceLength: Int? = nil, workers: StepWorkers = StepWorkers()) {
        self.pool = pool
        self.sequenceLength = sequenceLength ?? .max
        self.workers = workers
        sharesWork = workers.count > 1
        contents = Confined(Contents(shares: JobShares(workers: workers.count, lanes: pool.model.kernels.lanes)))
        features = pool.model.features
        outputs = pool.model.outputs
        stepper = Stepper(pool.model)
        helpers = (1..<workers.count).map { _ in Stepper(pool.model) }
    }

    /// Adds a stream's timesteps.
    ///
    /// - Parameters:
    ///   - row: The stream's row in ``pool``. No other job of the batch may have the same row.
    ///   - firstValue: The index of the first timestep's first value in the values passed to ``run(on:)``. The values
    ///     of all timesteps of the job must be adjacent, shape (count, features).
    ///   - count: The number of timesteps, at least 1.
    ///   - hash: Selects the worker, unless that worker has too many jobs. A stream always has the same hash, so its
    ///     state may still be in that worker's cache.
    ///   - untilReset: The number of timesteps until the sequence ends and the state resets to zero; nil if it never
    ///     resets.
    ///   - resetsAtEnd: Whether the state resets to zero after the last of these timesteps.
    /// - Returns: The job's index in the batch.
    @inlinable
    @inline(__always)
    public func add(
        _ row: Int, at firstValue: Int, count: Int, hash: UInt32 = 0, untilReset: Int? = nil,
        resetsAtEnd: Bool = false
    ) -> Int {
        precondition(firstValue >= 0 && count >= 1)
        let first = contents.value.timesteps
        contents.value.jobs.append(
            StepJob(
                row: row, first: first, firstValue: firstValue, count: count, untilReset: untilReset ?? .max,
                resetsAtEnd: resetsAtEnd))
        if sharesWork { contents.value.shares.append(hash: hash) }
        contents.value.timesteps = first + count
        contents.value.valueCount = max(contents.value.valueCount, firstValue + count * features)
        return contents.value.jobs.count - 1
    }

    /// Steps all timesteps of all jobs. A job ends early at the first timestep that makes its state non-finite.
    ///
    /// - Parameter values: The values of all jobs' timesteps.
    public func run(on values: Span<Float>) {
        let timesteps = contents.value.timesteps
        guard timesteps > 0 else { return }
        contents.value.outputs.resize(to: timesteps * outputs)
        if sharesWork && timesteps * pool.model.parameters >= workers.threshold {
            contents.value.shares.arrange()
            withMemory(on: values) { workers.run($0, by: stepper, and: helpers) }
        } else {
            withMemory(on: values) { stepper.run($0) }
        }
    }

    /// Returns how many of a job's timesteps were stepped. A job stops early if its state becomes non-finite.
    @inlinable
    public func steppedTimesteps(of job: Int) -> Int { contents.value.jobs[job].stepped }

    /// Returns whether the job's last step made the state non-finite.
    @inlinable
    public func isFaulty(_ job: Int) -> Bool { contents.value.jobs[job].isFaulty }

    /// Continues a faulty job from the current state of its row.
    ///
    /// - Parameters:
    ///   - job: The job's index.
    ///   - untilReset: As in ``add(_:at:count:hash:untilReset:resetsAtEnd:)``.
    ///   - values: As in ``run(on:)``.
    public func resume(_ job: Int, untilReset: Int?, on values: Span<Float>) {
        precondition(isFaulty(job))
        withMemory(on: values) { memory in
            unsafe memory.jobs[job].isFaulty = false
            unsafe memory.jobs[job].untilReset = untilReset ?? .max
            unsafe stepper.run(&memory.jobs[job], memory)
        }
    }

    /// Returns the model's output at one timestep.
    ///
    /// - Parameters:
    ///   - timestep: The timestep's index in its job. It must have been stepped.
    ///   - job: The job's index.
    /// - Returns: Shape (outputs).
    @inlinable
    @inline(__always)
    @_lifetime(borrow self)
    public func output(at timestep: Int, of job: Int) -> Span<Float> {
        let job = contents.value.jobs[job]
        precondition(timestep >= 0 && timestep < job.stepped)
        let span = unsafe Span(
            _unsafeStart: contents.value.outputs.start + (job.first + timestep) * outputs, count: outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Removes all jobs and outputs, but keeps the capacity.
    public func removeAll() {
        contents.value.timesteps = 0
        contents.value.valueCount = 0
        contents.value.jobs.removeAll()
        contents.value.shares.removeAll()
    }

    /// The buffers that the steppers read and write during a run.
    @safe
    struct Memory {
        let rows: StatePool.Rows
        let sequenceLength: Int
        /// The values of all timesteps.
        let values: UnsafePointer<Float>
        /// Shape (n, outputs).
        let outputs: UnsafeMutablePointer<Float>
        /// The jobs. Only one worker accesses each job.
        let jobs: UnsafeMutableBufferPointer<StepJob>
        /// The indices of the jobs, grouped by worker; see ``JobShares``. Empty if there is only one worker.
        let order: UnsafeMutableBufferPointer<UInt32>
        /// The index in `order` of each worker's first job, then the end of the last worker's jobs.
        let starts: UnsafeMutableBufferPointer<Int>
    }

    private func withMemory(on values: Span<Float>, _ body: (Memory) -> Void) {
        precondition(contents.value.valueCount <= values.count)
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            body(
                unsafe Memory(
                    rows: pool.allRows, sequenceLength: sequenceLength, values: start,
                    outputs: contents.value.outputs.start, jobs: contents.value.jobs.all,
                    order: contents.value.shares.order.all, starts: contents.value.shares.starts.all))
        }
    }
}

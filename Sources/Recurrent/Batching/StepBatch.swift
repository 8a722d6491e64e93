/// Timesteps of streams of one model that wait to be taken together, and then the model's answers to them.
///
/// Whoever has timesteps adds a job for each stream; ``run()`` takes all of them; then the answers stand here until
/// ``removeAll()``. It keeps its memory from batch to batch. One owner, one thread; it is not `Sendable`.
@safe
public final class StepBatch {
    /// The home of the streams' states.
    public let pool: StatePool
    private let sequenceLength: Int
    /// Floats in one timestep.
    public let features: Int
    @usableFromInline let outputs: Int
    @usableFromInline var jobs = GrowingBuffer<StepJob>()
    /// Which worker takes which job; of one worker alone nothing.
    @usableFromInline var shares: JobShares
    /// Timesteps of all jobs.
    @usableFromInline var timesteps = 0
    /// Shape (timesteps, features). Those of one job stand side by side.
    @usableFromInline var inputs = GrowingBuffer<Float>()
    /// Shape (timesteps, outputs).
    @usableFromInline var answers = GrowingBuffer<Float>()
    @usableFromInline let workers: StepWorkers
    /// The asking thread's.
    private let stepper: Stepper
    /// One for each other worker.
    private let helpers: [Stepper]

    /// An empty batch.
    ///
    /// - Parameters:
    ///   - pool: The home of the streams' states.
    ///   - sequenceLength: Timesteps after which a state becomes zero again; nil: never by itself.
    ///   - workers: The threads that step.
    public init(pool: StatePool, sequenceLength: Int? = nil, workers: StepWorkers = StepWorkers()) {
        self.pool = pool
        self.sequenceLength = sequenceLength ?? .max
        self.workers = workers
        shares = JobShares(workers: workers.count, lanes: pool.model.kernels.lanes)
        features = pool.model.features
        outputs = pool.model.outputs
        stepper = Stepper(pool.model)
        helpers = (1..<workers.count).map { _ in Stepper(pool.model) }
    }

    /// Adds a stream's timesteps.
    ///
    /// - Parameters:
    ///   - row: The stream's row in ``pool``. No other job of the batch has it.
    ///   - values: The timesteps, shape (count, features).
    ///   - count: How many timesteps, at least 1.
    ///   - hash: Says which worker steps the stream, unless that one has too much to do. Where the stream's last one did, its
    ///     state may still be in the cache.
    ///   - untilReset: Timesteps until the state becomes zero by itself; nil: it does not.
    ///   - resetsAtEnd: It becomes zero after the last of these timesteps.
    /// - Returns: The job's number.
    @inlinable
    @inline(__always)
    public func add(
        _ row: Int, _ values: Span<Float>, count: Int, hash: UInt32 = 0, untilReset: Int? = nil,
        resetsAtEnd: Bool = false
    ) -> Int {
        precondition(count >= 1 && values.count == count * features)
        jobs.append(
            StepJob(
                row: row, first: timesteps, count: count, untilReset: untilReset ?? .max, resetsAtEnd: resetsAtEnd))
        if workers.count > 1 { shares.append(hash: hash) }
        inputs.append(values)
        timesteps += count
        return jobs.count - 1
    }

    /// Takes all timesteps of all jobs, of each up to where its state is not finite any more.
    public func run() {
        guard timesteps > 0 else { return }
        answers.resize(to: timesteps * outputs)
        if workers.count > 1 && timesteps * pool.model.parameters >= workers.threshold {
            shares.arrange()
            workers.run(memory, by: stepper, and: helpers)
        } else {
            stepper.run(memory)
        }
    }

    /// How many timesteps of a job were taken: fewer than it has, where the state was not finite after the last of them.
    @inlinable
    public func taken(by job: Int) -> Int { jobs[job].taken }

    /// Whether the state was not finite after the last timestep that was taken.
    @inlinable
    public func isFaulty(_ job: Int) -> Bool { jobs[job].isFaulty }

    /// Goes on with a job whose state was not finite, from what its row has now.
    ///
    /// - Parameters:
    ///   - job: The job's number.
    ///   - untilReset: As in ``add(_:_:hash:untilReset:resetsAtEnd:)``.
    public func resume(_ job: Int, untilReset: Int?) {
        precondition(jobs[job].isFaulty)
        let memory = memory
        unsafe memory.jobs[job].isFaulty = false
        unsafe memory.jobs[job].untilReset = untilReset ?? .max
        unsafe stepper.run(&memory.jobs[job], memory)
    }

    /// The model's answer to one timestep.
    ///
    /// - Parameters:
    ///   - timestep: Which of a job's, from 0; it was taken.
    ///   - job: The job's number.
    /// - Returns: Shape (outputs).
    @inlinable
    @inline(__always)
    @_lifetime(borrow self)
    public func answer(to timestep: Int, of job: Int) -> Span<Float> {
        let job = jobs[job]
        precondition(timestep >= 0 && timestep < job.taken)
        let span = unsafe Span(_unsafeStart: answers.start + (job.first + timestep) * outputs, count: outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Forgets timesteps and answers, and keeps the memory.
    public func removeAll() {
        timesteps = 0
        inputs.removeAll()
        jobs.removeAll()
        shares.removeAll()
    }

    /// What steppers read and write.
    @safe
    struct Memory {
        let pool: StatePool
        let sequenceLength: Int
        /// Shape (n, features).
        let inputs: UnsafePointer<Float>
        /// Shape (n, outputs).
        let answers: UnsafeMutablePointer<Float>
        /// Each is read and written by one worker only.
        let jobs: UnsafeMutableBufferPointer<StepJob>
        /// Their numbers, worker by worker, where there are several: see ``JobShares``.
        let order: UnsafeMutableBufferPointer<UInt32>
        /// Where each worker's begin, and the last one's end.
        let starts: UnsafeMutableBufferPointer<Int>

        func row(_ number: Int) -> UnsafeMutablePointer<Float> { unsafe pool.pointer(to: number) }
    }

    private var memory: Memory {
        unsafe Memory(
            pool: pool, sequenceLength: sequenceLength, inputs: inputs.start, answers: answers.start, jobs: jobs.all,
            order: shares.order.all, starts: shares.starts.all)
    }
}

/// One stream's timesteps in a ``StepBatch``.
///
/// Its numbers are no wider than they must be, so that the jobs of a batch stay in the processor's first cache.
@usableFromInline
struct StepJob: BitwiseCopyable {
    /// Timesteps until the state becomes zero by itself.
    @usableFromInline var untilReset: Int
    @usableFromInline let rowNumber: UInt32
    @usableFromInline let firstTimestep: UInt32
    @usableFromInline let timesteps: UInt32
    @usableFromInline var takenTimesteps: UInt32 = 0
    /// It becomes zero after the last timestep.
    @usableFromInline let resetsAtEnd: Bool
    /// The state was not finite after the last that was taken.
    @usableFromInline var isFaulty = false

    @inlinable
    @inline(__always)
    init(row: Int, first: Int, count: Int, untilReset: Int, resetsAtEnd: Bool) {
        rowNumber = UInt32(row)
        firstTimestep = UInt32(first)
        timesteps = UInt32(count)
        self.untilReset = untilReset
        self.resetsAtEnd = resetsAtEnd
    }

    var row: Int { Int(rowNumber) }
    /// Where the first of them stands among the batch's.
    @inlinable var first: Int { Int(firstTimestep) }
    var count: Int { Int(timesteps) }
    /// How many were taken.
    @inlinable var taken: Int {
        get { Int(takenTimesteps) }
        set { takenTimesteps = UInt32(newValue) }
    }

    /// Nothing more is to be taken.
    var hasEnded: Bool { taken == count || isFaulty }

    /// Whether it is one timestep that nothing is to be done after.
    var isPlain: Bool { count == 1 && untilReset > 1 && !resetsAtEnd }

    /// Counts the one timestep of a job that ``isPlain``.
    mutating func advancePlainly(isFaulty: Bool) {
        taken = 1
        if untilReset != .max { untilReset -= 1 }
        self.isFaulty = isFaulty
    }

    /// How many timesteps can be taken before there is something to be done about the job.
    var stepsWithoutChange: Int { min(count - taken, untilReset) }

    /// Counts timesteps that were taken, at most ``stepsWithoutChange``.
    ///
    /// - Parameters:
    ///   - steps: How many.
    ///   - sequenceLength: Timesteps in a sequence.
    /// - Returns: Whether a sequence ended with the last of them, so that the state becomes zero.
    mutating func advance(by steps: Int, sequenceLength: Int) -> Bool {
        taken += steps
        if untilReset != .max { untilReset -= steps }
        guard untilReset == 0 || (resetsAtEnd && taken == count) else { return false }
        untilReset = sequenceLength
        return true
    }
}

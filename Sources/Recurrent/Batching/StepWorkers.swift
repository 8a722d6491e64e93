import Dispatch
import Glibc
import Synchronization

/// The threads that step streams: whoever asks for work is one of them, and the others wait until there is enough to share.
///
/// Each begins with its own share of a batch, and goes on with what is left of the others'. So nobody waits for a thread that does
/// not get a core: what it was to do is done meanwhile.
///
/// One owner, one thread asks at a time.
public final class StepWorkers {
    /// Multiply-adds below which waking another thread takes longer than it saves.
    public static let usualThreshold = 400_000

    /// How many threads there are, the asking one among them.
    public let count: Int
    /// Multiply-adds from which work is shared.
    let threshold: Int
    private let helpers: [Helper]
    private let claims: Claims

    /// Starts threads, which live as long as this.
    ///
    /// - Parameters:
    ///   - count: How many threads are to work, the asking one among them, at least 1.
    ///   - threshold: Multiply-adds from which work is shared.
    public init(count: Int = 1, threshold: Int = StepWorkers.usualThreshold) {
        precondition(count >= 1)
        self.count = count
        self.threshold = threshold
        helpers = (1..<count).map { _ in Helper() }
        claims = Claims(workers: count)
        for helper in helpers { helper.start() }
    }

    deinit {
        for helper in helpers { helper.stop() }
    }

    /// Takes a batch's timesteps on every thread at once, and returns when all are taken.
    ///
    /// - Parameters:
    ///   - batch: The jobs, shared out.
    ///   - stepper: The asking thread's.
    ///   - steppers: One for each other thread.
    func run(_ batch: StepBatch.Memory, by stepper: Stepper, and steppers: [Stepper]) {
        claims.begin(batch)
        for index in helpers.indices {
            helpers[index].begin(Work(stepper: steppers[index], batch: batch, worker: index + 1, claims: claims))
        }
        Work(stepper: stepper, batch: batch, worker: 0, claims: claims).run()
        for index in helpers.indices { helpers[index].end() }
    }

    /// What one thread is to do.
    private struct Work {
        let stepper: Stepper
        let batch: StepBatch.Memory
        let worker: Int
        let claims: Claims

        func run() {
            for offset in 0..<claims.workers {
                let share = (worker + offset) % claims.workers
                while let places = claims.take(of: share, atMost: stepper.lanes, batch) { stepper.run(batch, places) }
            }
        }
    }

    /// What nobody has taken yet of each worker's share.
    @safe
    private final class Claims {
        let workers: Int
        /// Where in the batch's order it begins.
        private let next: UnsafeMutablePointer<Atomic<Int>>

        init(workers: Int) {
            self.workers = workers
            unsafe next = .allocate(capacity: workers)
            for worker in 0..<workers { unsafe (next + worker).initialize(to: Atomic(0)) }
        }

        deinit {
            unsafe next.deinitialize(count: workers)
            unsafe next.deallocate()
        }

        /// Nothing is taken.
        func begin(_ batch: StepBatch.Memory) {
            for worker in 0..<workers { unsafe next[worker].store(batch.starts[worker], ordering: .relaxed) }
        }

        /// Takes some jobs, which nobody else is given.
        ///
        /// - Returns: Where they stand in the batch's order; nil where all are taken.
        func take(of share: Int, atMost count: Int, _ batch: StepBatch.Memory) -> Range<Int>? {
            let end = unsafe batch.starts[share + 1]
            let start = unsafe next[share].add(count, ordering: .relaxed).oldValue
            return start < end ? start..<min(start + count, end) : nil
        }
    }

    /// A thread that waits for work.
    ///
    /// `@unchecked Sendable`: `work` is written while `state` is `idle` and read once it is `working`, and each is set after the
    /// one and before the other, so that never two threads are at it. Nor at a job, a row or an answer: each job is taken by one
    /// thread, and no two are of one stream.
    private final class Helper: @unchecked Sendable {
        private enum State: UInt8, AtomicRepresentable {
            case idle, offered, working, stopped
        }

        private let hasWork = DispatchSemaphore(value: 0)
        private let isDone = DispatchSemaphore(value: 0)
        private let state = Atomic(State.idle)
        private var work: Work?

        /// A thread of its own: Dispatch's would have to be waited for where all of them are taken.
        func start() {
            var thread = pthread_t()
            let result = unsafe pthread_create(
                &thread, nil,
                { context in
                    if let context = unsafe context {
                        unsafe Unmanaged<Helper>.fromOpaque(context).takeRetainedValue().workUntilStopped()
                    }
                    return nil
                }, Unmanaged.passRetained(self).toOpaque())
            precondition(result == 0, "a thread that steps streams cannot be started")
            pthread_detach(thread)
        }

        private func workUntilStopped() {
            while true {
                hasWork.wait()
                if change(.offered, to: .working) {
                    work?.run()
                    state.store(.idle, ordering: .releasing)
                    isDone.signal()
                } else if state.load(ordering: .relaxed) == .stopped {
                    return
                }
                // Otherwise it was taken back since.
            }
        }

        private func change(_ before: State, to after: State) -> Bool {
            state.compareExchange(expected: before, desired: after, ordering: .acquiringAndReleasing).exchanged
        }

        func begin(_ work: Work) {
            self.work = work
            state.store(.offered, ordering: .releasing)
            hasWork.signal()
        }

        /// Takes the work back if the thread has not begun, and waits for it otherwise.
        func end() {
            if !change(.offered, to: .idle) { isDone.wait() }
            work = nil
        }

        /// Ends the thread.
        func stop() {
            state.store(.stopped, ordering: .releasing)
            hasWork.signal()
        }
    }
}

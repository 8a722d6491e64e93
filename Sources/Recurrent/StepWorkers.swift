import Dispatch
import Glibc

/// The threads that step streams: whoever asks for work is one of them, and the others wait until there is enough to share.
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
        for helper in helpers { helper.start() }
    }

    deinit {
        for helper in helpers { helper.stop() }
    }

    /// Takes a batch's timesteps on every thread at once, and returns when all are taken.
    ///
    /// - Parameters:
    ///   - batch: The jobs, and each one's worker.
    ///   - stepper: The asking thread's.
    ///   - steppers: One for each other thread.
    func run(_ batch: StepBatch.Memory, by stepper: Stepper, and steppers: [Stepper]) {
        for index in helpers.indices {
            helpers[index].begin(Work(stepper: steppers[index], batch: batch, worker: UInt32(index + 1)))
        }
        stepper.run(batch, of: 0)
        for index in helpers.indices { helpers[index].waitUntilDone() }
    }

    private struct Work {
        let stepper: Stepper
        let batch: StepBatch.Memory
        let worker: UInt32
    }

    /// A thread that waits for work.
    ///
    /// `@unchecked Sendable`: `work` is written before `hasWork` is signalled and read after it was waited for, and not
    /// touched again before `isDone` was waited for, so that never two threads are at it. Nor at a job, a row or an answer:
    /// each job has one worker, and no two are of one stream.
    private final class Helper: @unchecked Sendable {
        private let hasWork = DispatchSemaphore(value: 0)
        private let isDone = DispatchSemaphore(value: 0)
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
                guard let work else { return }
                work.stepper.run(work.batch, of: work.worker)
                self.work = nil
                isDone.signal()
            }
        }

        func begin(_ work: Work) {
            self.work = work
            hasWork.signal()
        }

        func waitUntilDone() { isDone.wait() }

        /// Ends the thread: no work is there when it wakes.
        func stop() { hasWork.signal() }
    }
}

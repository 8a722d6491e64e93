import Dispatch
import Glibc
import Synchronization

/// The threads that step a batch: the owner's thread and its helpers, which sleep until there is enough work to share.
///
/// Each thread steps its own share of a batch first, and then helps with the shares of the other threads. If a thread
/// gets no core, the others do its work instead of waiting for it. The workers have one owner on one thread.
package final class StepWorkers {
    /// The default threshold, in multiply-adds. At this amount of work, a second thread begins to save more time than
    /// waking it costs.
    package static let usualThreshold = 400_000

    /// The number of threads, including the owner's.
    package let count: Int
    /// The minimum number of multiply-adds in a batch for the threads to share it.
    let threshold: Int
    private let helpers: [Helper]
    private let claims: Claims

    /// Starts the threads. They end when this object is deallocated.
    ///
    /// - Parameters:
    ///   - count: The number of threads, including the owner's, at least 1.
    ///   - threshold: The minimum number of multiply-adds in a batch for the threads to share it.
    package init(count: Int = 1, threshold: Int = StepWorkers.usualThreshold) {
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

    /// Steps a batch on every thread, and returns when all jobs are done.
    ///
    /// - Parameters:
    ///   - batch: The jobs and their distribution.
    ///   - stepper: The stepper of the owner's thread.
    ///   - steppers: One stepper for each of the other threads.
    func run(_ batch: StepBatch.Memory, by stepper: Stepper, and steppers: [Stepper]) {
        claims.begin(batch)
        for index in helpers.indices {
            helpers[index].begin(Work(stepper: steppers[index], batch: batch, worker: index + 1, claims: claims))
        }
        Work(stepper: stepper, batch: batch, worker: 0, claims: claims).run()
        for index in helpers.indices { helpers[index].end() }
    }

    /// One thread's part of a batch.
    private struct Work {
        let stepper: Stepper
        let batch: StepBatch.Memory
        let worker: Int
        let claims: Claims

        func run() {
            for offset in 0..<claims.workers {
                let share = (worker + offset) % claims.workers
                while let places = claims.claim(stepper.lanes, of: share, batch) { stepper.run(batch, places) }
            }
        }
    }

    /// The parts of each share that no thread has claimed yet.
    @safe
    private final class Claims {
        let workers: Int
        /// The index of each share's first unclaimed job in the batch's order.
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

        /// Begins a batch with all jobs unclaimed.
        func begin(_ batch: StepBatch.Memory) {
            for worker in 0..<workers { unsafe next[worker].store(batch.starts[worker], ordering: .relaxed) }
        }

        /// Claims the next jobs of a share, at most `count`, for the calling thread.
        ///
        /// - Returns: The jobs' indices in the batch's order; nil if all jobs of the share are claimed.
        func claim(_ count: Int, of share: Int, _ batch: StepBatch.Memory) -> Range<Int>? {
            let end = unsafe batch.starts[share + 1]
            let start = unsafe next[share].add(count, ordering: .relaxed).oldValue
            return start < end ? start..<min(start + count, end) : nil
        }
    }

    /// A thread that waits for work.
    ///
    /// `@unchecked Sendable`: the owner writes `work` while `state` is `idle`, and the thread reads it while `state` is
    /// `working`. The changes of `state` order these accesses, so two threads never access `work` at once. They never
    /// access the same job, row or output either, because each job is claimed by one thread and no two jobs have the
    /// same row.
    private final class Helper: @unchecked Sendable {
        private enum State: UInt8, AtomicRepresentable {
            case idle, offered, working, stopped
        }

        private let hasWork = DispatchSemaphore(value: 0)
        private let isDone = DispatchSemaphore(value: 0)
        private let state = Atomic(State.idle)
        private var work: Work?

        /// Starts a dedicated thread instead of using one of Dispatch's threads, which may all be busy.
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
            precondition(result == 0, "pthread_create failed for a thread that steps streams (error \(result))")
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
                // Otherwise, `end()` has withdrawn the work.
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

        /// Withdraws the work if the thread has not begun it. Otherwise, waits until the thread is done.
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

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

    /// Calls a function on every thread at once, and returns when all have returned.
    ///
    /// - Parameter body: Given the number of the worker, from 0. It touches nothing that another worker's call touches.
    func run(_ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            for (index, helper) in helpers.enumerated() { helper.begin(body, worker: index + 1) }
            body(0)
            for helper in helpers { helper.waitUntilDone() }
        }
    }

    /// A thread that waits for work.
    ///
    /// `@unchecked Sendable`: `work` is written before `hasWork` is signalled and read after it was waited for, and not
    /// touched again before `isDone` was waited for, so that never two threads are at it.
    private final class Helper: @unchecked Sendable {
        private let hasWork = DispatchSemaphore(value: 0)
        private let isDone = DispatchSemaphore(value: 0)
        private var work: (body: (Int) -> Void, worker: Int)?

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
                guard doWork() else { return }
                isDone.signal()
            }
        }

        /// Apart, so that no copy of the work is left when it is said to be done: whoever asked for it checks that.
        private func doWork() -> Bool {
            guard let work else { return false }
            work.body(work.worker)
            self.work = nil
            return true
        }

        func begin(_ body: @escaping (Int) -> Void, worker: Int) {
            work = (body, worker)
            hasWork.signal()
        }

        func waitUntilDone() { isDone.wait() }

        /// Ends the thread: no work is there when it wakes.
        func stop() { hasWork.signal() }
    }
}

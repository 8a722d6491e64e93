import NIOCore
import Synchronization

/// Asks the hot loop how it stands, for those who must not wait for ever: HTTP requests.
///
/// One letter is on its way at a time, and all who ask meanwhile share its answer, so that a loop that stands still is not
/// buried in letters.
final class HotLoopProbe: Sendable {
    private struct Askers {
        /// A letter is on its way.
        var isAsked = false
        var waiting: [Int: EventLoopPromise<DaemonMetrics?>] = [:]
        var lastNumber = 0
    }

    private let mailbox: Mailbox
    private let hasBegun = Atomic<Bool>(false)
    private let askers = Mutex(Askers())

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// State is still being loaded: there is no loop yet that could answer.
    var isLoading: Bool { !hasBegun.load(ordering: .acquiring) }

    /// The hot loop is there. From any thread.
    func begin() { hasBegun.store(true, ordering: .releasing) }

    /// Asks how the hot loop stands now.
    ///
    /// - Parameters:
    ///   - bound: How long it may take to answer.
    ///   - loop: Where the answer is waited for.
    /// - Returns: Nil if the hot loop did not answer in time.
    func metrics(within bound: Duration, on loop: any EventLoop) -> EventLoopFuture<DaemonMetrics?> {
        let promise = loop.makePromise(of: DaemonMetrics?.self)
        let (number, mustAsk) = askers.withLock { askers in
            defer { askers.isAsked = true }
            askers.lastNumber += 1
            askers.waiting[askers.lastNumber] = promise
            return (askers.lastNumber, !askers.isAsked)
        }
        let timeout = loop.scheduleTask(in: TimeAmount(bound)) {}
        promise.futureResult.whenComplete { _ in timeout.cancel() }
        // Also when the event loop ends, so that no promise is left behind.
        timeout.futureResult.whenComplete { [self] _ in
            askers.withLock { $0.waiting.removeValue(forKey: number) }?.succeed(nil)
        }
        if mustAsk {
            mailbox.post { [self] loop in
                let metrics = loop.metrics
                let waiting = askers.withLock { askers in
                    defer {
                        askers.waiting = [:]
                        askers.isAsked = false
                    }
                    return askers.waiting
                }
                for promise in waiting.values { promise.succeed(metrics) }
            }
        }
        return promise.futureResult
    }
}

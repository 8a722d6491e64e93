import NIOCore
import Synchronization

/// Asks the hot loop for its metrics on behalf of HTTP requests, which must not wait forever, and gives it the control
/// requests of pages.
///
/// At most one question is in the mailbox at a time. All requests that arrive before the question is answered share its
/// answer. Therefore, questions do not pile up if the loop is stuck.
final class HotLoopProbe: PageSource {
    private struct Askers {
        /// Whether a question is in the hot loop's mailbox.
        var isAsked = false
        var waiting: [Int: EventLoopPromise<DaemonMetrics?>] = [:]
        var lastNumber = 0
    }

    let reporter = "the hot loop"
    private let mailbox: Mailbox
    private let hasBegun = Atomic<Bool>(false)
    private let askers = Mutex(Askers())

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    var isLoading: Bool { !hasBegun.load(ordering: .acquiring) }

    /// Records that the hot loop is running. Can be called from any thread.
    func begin() { hasBegun.store(true, ordering: .releasing) }

    func carryOut(_ request: RawRequest) { mailbox.post { $0.requests.add(request) } }

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
        // This closure also runs if the timeout is cancelled, for example because the event loop shuts down. Every
        // promise is therefore fulfilled.
        timeout.futureResult.whenComplete { [self] _ in
            askers.withLock { $0.waiting.removeValue(forKey: number) }?.succeed(nil)
        }
        if mustAsk {
            mailbox.post { [self] loop in
                loop.countLabels()
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

import Dispatch

/// Runs slow work on another thread, one piece at a time, and posts each result to the hot loop.
///
/// The worker is for work that needs none of the loop's state, such as parsing large requests and encoding large
/// replies.
final class SideWorker: Sendable {
    private let mailbox: Mailbox
    private let queue = DispatchQueue(label: "sluice.requests")

    init(answeringTo mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// Starts a piece of work.
    ///
    /// - Parameters:
    ///   - work: The work. It runs on the worker's thread.
    ///   - then: A closure that receives the result on the hot loop's thread, between timesteps.
    func start<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, then: @escaping @Sendable (inout HotLoop, Value) -> Void
    ) {
        queue.async { [mailbox] in
            let value = work()
            mailbox.post { loop in then(&loop, value) }
        }
    }
}

import Dispatch

/// Does beside the hot loop what needs nothing of it but takes long, piece after piece, and posts what came of each back: large
/// requests are read so, and large replies written.
final class SideWorker: Sendable {
    private let mailbox: Mailbox
    private let queue = DispatchQueue(label: "sluice.requests")

    init(answeringTo mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// Starts a piece of work.
    ///
    /// - Parameters:
    ///   - work: What to do, on the worker's own thread.
    ///   - then: What to do with its result, on the hot loop's thread, between two timesteps.
    func start<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, then: @escaping @Sendable (inout HotLoop, Value) -> Void
    ) {
        queue.async { [mailbox] in
            let value = work()
            mailbox.post { loop in then(&loop, value) }
        }
    }
}

import Synchronization
import ZeroMQ

/// Passes closures from other threads to the hot loop's thread. The loop runs the closures between timesteps, in the
/// order in which they were posted.
final class Mailbox: Sendable {
    typealias Action = @Sendable (inout HotLoop) -> Void

    let wakeup: Wakeup
    private let actions = Mutex<[Action]>([])

    init() throws(ZeroMQError) {
        wakeup = try Wakeup()
    }

    /// Posts a closure. Can be called from any thread.
    func post(_ action: @escaping Action) {
        actions.withLock { $0.append(action) }
        wakeup.signal()
    }

    /// Removes and returns all posted closures. Called on the hot loop's thread.
    func take() -> [Action] {
        wakeup.clear()
        return actions.withLock { actions in
            defer { actions.removeAll() }
            return actions
        }
    }
}

import Synchronization
import ZeroMQ

/// Runs closures from other threads on the hot loop's thread, between two timesteps, in the order of posting.
final class Mailbox: Sendable {
    typealias Letter = @Sendable (inout HotLoop) -> Void

    let wakeup: Wakeup
    private let letters = Mutex<[Letter]>([])

    init() throws(ZeroMQError) {
        wakeup = try Wakeup()
    }

    /// Posts a closure. Safe to call from any thread.
    func post(_ letter: @escaping Letter) {
        letters.withLock { $0.append(letter) }
        wakeup.signal()
    }

    /// Removes and returns all posted closures. Called on the hot loop's thread.
    func take() -> [Letter] {
        wakeup.clear()
        return letters.withLock { letters in
            defer { letters.removeAll() }
            return letters
        }
    }
}

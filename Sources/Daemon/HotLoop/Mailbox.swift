import Synchronization
import ZeroMQ

/// How other threads reach the hot loop: what they post is done there, between two timesteps, in the order of posting.
final class Mailbox: Sendable {
    typealias Letter = @Sendable (inout HotLoop) -> Void

    let wakeup: Wakeup
    private let letters = Mutex<[Letter]>([])

    init() throws(ZeroMQError) {
        wakeup = try Wakeup()
    }

    /// Posts a letter. From any thread.
    func post(_ letter: @escaping Letter) {
        letters.withLock { $0.append(letter) }
        wakeup.signal()
    }

    /// Takes what was posted. On the hot loop's thread.
    func take() -> [Letter] {
        wakeup.clear()
        return letters.withLock { letters in
            defer { letters.removeAll() }
            return letters
        }
    }
}

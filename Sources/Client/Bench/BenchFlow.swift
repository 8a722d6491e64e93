import Dispatch
import Synchronization

/// What both ends of one connection share: how far it is, and whether it is over.
final class BenchFlow: Sendable {
    let sent = Atomic<Int>(0)
    let received = Atomic<Int>(0)
    /// Whether what is sent now will be seen at the other end.
    let isInForce = Atomic<Bool>(false)
    /// Whether the sender is to send no more.
    let sendingEnds = Atomic<Bool>(false)
    /// Whether the sender has sent its last.
    let hasSentAll = Atomic<Bool>(false)
    /// Whether the receiver is to wait no longer.
    let receivingEnds = Atomic<Bool>(false)

    /// Whether the sender may send now.
    private let isOpen = Atomic<Bool>(false)
    /// Signalled for a sender that waits until it may.
    private let changed = DispatchSemaphore(value: 0)

    /// Messages on their way, or lost.
    var inFlight: Int { sent.load(ordering: .acquiring) - received.load(ordering: .acquiring) }

    /// The sender is to send no more, and may not have heard of it.
    var isSendingLast: Bool {
        sendingEnds.load(ordering: .acquiring) && !hasSentAll.load(ordering: .acquiring)
    }

    /// Lets the sender send, until ``close()``.
    func open() {
        isOpen.store(true, ordering: .releasing)
        changed.signal()
    }

    /// Has the sender wait until ``open()``.
    func close() { isOpen.store(false, ordering: .releasing) }

    /// Has the sender send no more.
    func end() {
        sendingEnds.store(true, ordering: .releasing)
        changed.signal()
    }

    /// The sender's: waits until it may send.
    ///
    /// - Returns: False where it is to send no more.
    @inline(__always)
    func waitUntilOpen() -> Bool {
        while !sendingEnds.load(ordering: .relaxed) {
            if isOpen.load(ordering: .relaxed) { return true }
            changed.wait()
        }
        return false
    }
}

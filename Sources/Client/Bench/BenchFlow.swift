import Dispatch
import Synchronization

/// The state that both ends of one connection share.
final class BenchFlow: Sendable {
    /// The number of entries sent. A message has one entry for each of its streams.
    let sent = Atomic<Int>(0)
    /// The number of entries that came back.
    let received = Atomic<Int>(0)
    /// Whether the receiver's subscription is in force. From then on, no message is missed.
    let isInForce = Atomic<Bool>(false)
    /// Whether the handshake's last message came back. The load begins after that, because messages of other streams
    /// could overtake the handshake in a cluster.
    let isConnected = Atomic<Bool>(false)
    /// Whether the sender must stop sending.
    let sendingEnds = Atomic<Bool>(false)
    /// Whether the sender has sent its last message.
    let hasSentAll = Atomic<Bool>(false)
    /// Whether the receiver must stop waiting.
    let receivingEnds = Atomic<Bool>(false)

    /// Whether the sender may send now.
    private let isOpen = Atomic<Bool>(false)
    /// Signalled when a waiting sender may send.
    private let changed = DispatchSemaphore(value: 0)

    /// The number of entries in transit or lost.
    var inFlight: Int { sent.load(ordering: .acquiring) - received.load(ordering: .acquiring) }

    /// Whether the sender must stop but may not have noticed yet.
    var isSendingLast: Bool {
        sendingEnds.load(ordering: .acquiring) && !hasSentAll.load(ordering: .acquiring)
    }

    /// Lets the sender send until ``close()`` is called.
    func open() {
        isOpen.store(true, ordering: .releasing)
        changed.signal()
    }

    /// Makes the sender wait until ``open()`` is called.
    func close() { isOpen.store(false, ordering: .releasing) }

    /// Makes the sender stop.
    func end() {
        sendingEnds.store(true, ordering: .releasing)
        changed.signal()
    }

    /// Waits until the sender may send. Only the sender calls this function.
    ///
    /// - Returns: False if the sender must stop.
    @inline(__always)
    func waitUntilOpen() -> Bool {
        while !sendingEnds.load(ordering: .relaxed) {
            if isOpen.load(ordering: .relaxed) { return true }
            changed.wait()
        }
        return false
    }
}

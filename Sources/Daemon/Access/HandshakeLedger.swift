import ZeroMQ

/// Tracks the unfinished handshakes of one socket, based on libzmq's events.
///
/// The ledger finds handshakes that broke off without a reported reason. If the peer's socket has the wrong type, or if
/// the peer does not speak ZeroMQ, libzmq reports only that the connection ended.
///
/// When a handshake succeeds, libzmq's event does not name the connection. While several handshakes are open, the
/// ledger may therefore mistake a broken handshake for the end of an admitted connection. But a client that keeps
/// trying will eventually be the only one in a handshake, and the ledger then recognizes the failure.
struct HandshakeLedger: Sendable {
    /// The time after which the ledger assumes that a handshake is over, in nanoseconds. libzmq itself ends a handshake
    /// sooner.
    private static let longest: Int64 = 6_000_000_000

    /// The connections with an open handshake and their start times, oldest first.
    private var open: [(number: Int, time: Int64)] = []
    /// The number of connections in ``open`` whose handshakes have succeeded.
    private var admitted = 0
    /// The number of connections in ``open`` that were denied and whose clients are about to hang up.
    private var denied = 0
    /// Whether libzmq has already reported why the next connection ends.
    private var isFailureTold = false

    /// Records a new connection.
    mutating func accept(_ number: Int, at time: Int64) {
        expire(at: time)
        isFailureTold = false
        open.append((number, time))
    }

    /// Records that one of the connections was admitted.
    mutating func admit() {
        isFailureTold = false
        admitted += 1
        settle()
    }

    /// Records that one of the connections was refused.
    mutating func refuse(_ refusal: SocketMonitor.Refusal) {
        // After a final denial, the client hangs up at some later time. After any other failure, libzmq ends the
        // connection at once.
        if case .denied(let status) = refusal, status >= 400 {
            denied += 1
        } else {
            isFailureTold = true
        }
    }

    /// Records the end of a connection.
    ///
    /// - Returns: Whether the handshake broke off for a reason that no other event reports.
    mutating func end(_ number: Int, at time: Int64) -> Bool {
        expire(at: time)
        defer { isFailureTold = false }
        guard let index = open.firstIndex(where: { $0.number == number }) else { return false }
        open.remove(at: index)
        defer { settle() }
        if isFailureTold { return false }
        if denied > 0 {
            denied -= 1
            return false
        }
        if admitted > 0 {
            admitted -= 1
            return false
        }
        return true
    }

    /// Clears the ledger if all open handshakes have succeeded.
    private mutating func settle() {
        guard admitted >= open.count else { return }
        open.removeAll()
        admitted = 0
        denied = 0
    }

    private mutating func expire(at time: Int64) {
        let count = open.prefix { time - $0.time > Self.longest }.count
        guard count > 0 else { return }
        open.removeFirst(count)
        admitted = max(0, admitted - count)
        settle()
    }
}

import ZeroMQ

/// The connections of one socket whose handshakes are unfinished, as far as libzmq's events show.
///
/// The ledger finds handshakes that broke off without a reported reason. If the peer's socket has the wrong type, or if
/// the peer does not speak ZeroMQ, libzmq reports only the end of the connection.
///
/// libzmq's event for a success does not name the connection. While several handshakes are open, the ledger may
/// therefore mistake a broken handshake for the end of an admitted connection. A client that keeps trying will sooner
/// or later be alone in its handshake. The ledger then notices the client.
struct HandshakeLedger: Sendable {
    /// The nanoseconds after which the ledger counts a handshake as over. libzmq itself ends the handshake sooner.
    private static let longest: Int64 = 6_000_000_000

    /// The connections with an open handshake, oldest first, with their start times.
    private var open: [(number: Int, time: Int64)] = []
    /// The number of open handshakes that have succeeded.
    private var admitted = 0
    /// The number of open handshakes that were denied and whose clients are about to hang up.
    private var denied = 0
    /// Whether libzmq has already reported why the connection that ends next failed.
    private var isFailureTold = false

    /// Records a new connection.
    mutating func accept(_ number: Int, at time: Int64) {
        expire(at: time)
        isFailureTold = false
        open.append((number, time))
    }

    /// Records that one of the connections is admitted.
    mutating func admit() {
        isFailureTold = false
        admitted += 1
        settle()
    }

    /// Records that one of the connections is refused.
    mutating func refuse(_ refusal: SocketMonitor.Refusal) {
        // A client that receives a final denial hangs up by itself. libzmq ends all other failed connections at once.
        if case .denied(let status) = refusal, status >= 400 {
            denied += 1
        } else {
            isFailureTold = true
        }
    }

    /// Records the end of a connection.
    ///
    /// - Returns: Whether the connection's handshake broke off for a reason that no other event gives.
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

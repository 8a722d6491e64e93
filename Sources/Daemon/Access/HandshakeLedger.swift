import ZeroMQ

/// Which connections of one socket have not finished their handshake, as far as libzmq's events tell. It finds the handshakes
/// that broke off without a word: libzmq tells of a socket of the wrong type, and of what is no ZeroMQ, only that the
/// connection has ended.
///
/// The event of a success does not name its connection. While several handshakes are under way, an end may thus be taken for
/// that of a connection that had come in; a client that tries again is alone sooner or later.
struct HandshakeLedger: Sendable {
    /// Nanoseconds after which a handshake is over in any case; libzmq itself ends it sooner.
    private static let longest: Int64 = 6_000_000_000

    /// The connections under way, in the order in which they came, and when they came.
    private var open: [(number: Int, time: Int64)] = []
    /// How many of them have come in.
    private var admitted = 0
    /// How many of them were denied, and are to end by themselves.
    private var denied = 0
    /// The connection that ends next is one whose failure was told.
    private var isFailureTold = false

    /// Notes a connection.
    mutating func accept(_ number: Int, at time: Int64) {
        expire(at: time)
        isFailureTold = false
        open.append((number, time))
    }

    /// Notes that one of the connections has come in.
    mutating func admit() {
        isFailureTold = false
        admitted += 1
        settle()
    }

    /// Notes that one of the connections has not come in.
    mutating func refuse(_ refusal: SocketMonitor.Refusal) {
        // Who is denied for good hears so, and hangs up; all else ends at once.
        if case .denied(let status) = refusal, status >= 400 {
            denied += 1
        } else {
            isFailureTold = true
        }
    }

    /// Notes the end of a connection.
    ///
    /// - Returns: Whether its handshake broke off, and nothing else tells so.
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

    /// All that are under way have come in.
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

import ZeroMQ

/// How the tool's sockets see that the other side is gone where nothing says so, as behind a cable that was pulled: libzmq asks,
/// and ends a connection that does not answer.
enum Heartbeat {
    /// From one question to the next.
    static let intervalMilliseconds = 10_000
    /// How long the answer may take. A connection that went dark is noticed within the sum of both.
    static let timeoutMilliseconds = 15_000

    /// How long a new connection may take until both sides know each other: one that leads into the dark is given up, and made
    /// anew.
    static let handshakeMilliseconds = 10_000

    /// Sets heartbeats, before the socket is attached.
    static func set(on socket: borrowing Socket) throws(ZeroMQError) {
        try socket.set(.heartbeatInterval, to: intervalMilliseconds)
        try socket.set(.heartbeatTimeout, to: timeoutMilliseconds)
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
    }
}

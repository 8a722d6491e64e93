import ZeroMQ

/// How the tool's sockets see that the other side is gone where nothing says so, as behind a cable that was pulled.
enum Heartbeat {
    /// From one question to the next.
    static let intervalMilliseconds = 10_000
    /// How long the answer may take. A connection that went dark is noticed within the sum of both.
    static let timeoutMilliseconds = 15_000

    /// How long a new connection may take until both sides know each other: one that leads into the dark is given up, and made
    /// anew.
    private static let handshakeMilliseconds = 10_000
    /// Seconds of silence before the kernel asks, between its questions, and how many may stay without an answer.
    private static let keepalive = (idle: 10, interval: 5, count: 3)

    /// Has libzmq ask, and end a connection that does not answer; before the socket is attached.
    ///
    /// Only where no messages queue up: libzmq reads no answer behind messages that there is no room for, nor does the daemon
    /// read a question behind timesteps that it has no room for. Sound connections would end so, and libzmq 4.3 may end the
    /// process with them (https://github.com/zeromq/libzmq/issues/3937, https://github.com/zeromq/libzmq/issues/4364).
    static func set(on socket: borrowing Socket) throws(ZeroMQError) {
        try socket.set(.heartbeatInterval, to: intervalMilliseconds)
        try socket.set(.heartbeatTimeout, to: timeoutMilliseconds)
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
    }

    /// Has the kernel ask instead, whatever queues up; before the socket is attached.
    static func setKeepalive(on socket: borrowing Socket) throws(ZeroMQError) {
        try socket.set(.keepalive, to: 1)
        try socket.set(.keepaliveIdle, to: keepalive.idle)
        try socket.set(.keepaliveInterval, to: keepalive.interval)
        try socket.set(.keepaliveCount, to: keepalive.count)
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
    }
}

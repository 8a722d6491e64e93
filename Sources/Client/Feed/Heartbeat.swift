import ZeroMQ

/// The settings with which the tool's sockets detect a peer that disappears silently, for example because of a pulled
/// cable.
enum Heartbeat {
    /// The time between two heartbeats.
    static let intervalMilliseconds = 10_000
    /// The time limit for an answer. A dead connection is detected within the sum of this time and the interval.
    static let timeoutMilliseconds = 15_000

    /// The time limit for the handshake of a new connection. If the limit passes, libzmq retries the connection.
    private static let handshakeMilliseconds = 10_000
    /// The seconds of silence before the kernel's first probe, the seconds between probes, and the number of unanswered
    /// probes that end a connection.
    private static let keepalive = (idle: 10, interval: 5, count: 3)

    /// Makes libzmq send heartbeats and end a connection that does not answer. Call this function before attaching the
    /// socket.
    ///
    /// Use heartbeats only on sockets whose messages never queue up. When a receive queue is full, the heartbeat or its
    /// answer stays unread behind the queued messages. libzmq would then close a healthy connection, and libzmq 4.3 may
    /// even abort the process (https://github.com/zeromq/libzmq/issues/3937,
    /// https://github.com/zeromq/libzmq/issues/4364).
    static func set(on socket: borrowing Socket) throws(ZeroMQError) {
        try socket.set(.heartbeatInterval, to: intervalMilliseconds)
        try socket.set(.heartbeatTimeout, to: timeoutMilliseconds)
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
    }

    /// Makes the kernel probe the peer. Unlike libzmq's heartbeats, these probes work no matter how many messages queue
    /// up. Call this function before attaching the socket.
    static func setKeepalive(on socket: borrowing Socket) throws(ZeroMQError) {
        try socket.set(.keepalive, to: 1)
        try socket.set(.keepaliveIdle, to: keepalive.idle)
        try socket.set(.keepaliveInterval, to: keepalive.interval)
        try socket.set(.keepaliveCount, to: keepalive.count)
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
    }
}

import CZeroMQ
import Glibc

/// Receives the connection events of one socket (<https://libzmq.readthedocs.io/en/latest/zmq_socket_monitor.html>).
///
/// libzmq's threads may block if a monitor is released too early, or if its events are not read. Therefore, keep a
/// monitor and read its events until it has reported ``Event/stopped``. A monitor has one owner at a time, which may
/// use a different thread than the owner of the socket.
///
/// `@unchecked Sendable`: a socket may move between threads, as long as only one thread uses it at a time.
public final class SocketMonitor: @unchecked Sendable {
    /// An event of a connection.
    public enum Event: Equatable, Sendable {
        /// A peer connected. The values are the connection's number and, if known, the peer's address.
        case accepted(Int, peer: String?)
        /// A connection has ended.
        case disconnected(Int)
        /// A peer completed its handshake.
        case admitted
        /// A peer was refused.
        case refused(Refusal)
        /// The socket is closed or no longer monitored. This is the last event.
        case stopped
    }

    /// The reason for refusing a peer.
    public enum Refusal: Hashable, Sendable {
        /// The handshake ended early or took too long, so the kind of peer is unknown.
        case incomplete
        /// One side uses CURVE and the other does not.
        case otherMechanism
        /// The peer's messages cannot be decrypted, because the peer expects a different server key.
        case otherServerKey
        /// The access handler refused the peer with this status code.
        case denied(Int)
        /// The handshake was not a ZeroMQ handshake.
        case malformed
    }

    let socket: Socket

    /// Starts monitoring. Call this before attaching the socket.
    ///
    /// - Parameter monitored: The socket.
    /// - Throws: ``ZeroMQError`` if the process has reached its limit on open files.
    public init(_ monitored: borrowing Socket) throws(ZeroMQError) {
        let handle = monitored.handle
        let address = "inproc://sluice.monitor.\(UInt(bitPattern: unsafe handle.pointer))"
        let socket = try Socket(.pair, in: handle.context)
        try socket.set(.linger, to: 0)
        // The queue has no limit, because a full queue would block libzmq's own threads.
        try socket.set(.receiveHighWaterMark, to: 0)
        _ = try checked("monitor a socket") {
            unsafe zmq_socket_monitor(handle.pointer, address, Self.events)
        }
        try socket.attach(to: Endpoint(.connect, address), otherwise: .connect)
        self.socket = socket
    }

    /// Returns the next relevant event.
    ///
    /// - Returns: The event; nil if there is none yet.
    /// - Throws: ``ZeroMQError`` if the socket cannot receive.
    public func next() throws(ZeroMQError) -> Event? {
        while let frames = try socket.receiveFrames(wait: false) {
            // The first frame holds a 16-bit event number and a 32-bit value, in native byte order.
            guard let first = frames.first, first.count == 6 else { continue }
            let kind = UInt16(first[0]) | UInt16(first[1]) << 8
            let value = first[2...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if let event = Self.event(CInt(kind), Int(Int32(bitPattern: value))) { return event }
        }
        return nil
    }

    private static let events =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH

    private static func event(_ kind: CInt, _ value: Int) -> Event? {
        switch kind {
        case ZMQ_EVENT_ACCEPTED: .accepted(value, peer: peerAddress(of: CInt(value)))
        case ZMQ_EVENT_DISCONNECTED: .disconnected(value)
        case ZMQ_EVENT_MONITOR_STOPPED: .stopped
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .admitted
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .refused(.incomplete)
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .refused(.denied(value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            switch CInt(value) {
            case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: .refused(.otherMechanism)
            case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: .refused(.otherServerKey)
            default: .refused(.malformed)
            }
        default: nil
        }
    }

    /// Returns the IP address of the peer; nil if the connection is not TCP or has ended.
    private static func peerAddress(of descriptor: CInt) -> String? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let isFound = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getpeername(descriptor, address, &length) == 0
                    && (address.pointee.sa_family == AF_INET || address.pointee.sa_family == AF_INET6)
                    && getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        guard isFound else { return nil }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Socket {
    /// Stops the events of this socket's ``SocketMonitor``. Call this before releasing the monitor.
    public func stopMonitoring() {
        // An error means that there was no monitor, which is fine.
        unsafe zmq_socket_monitor(handle.pointer, nil, 0)
    }
}

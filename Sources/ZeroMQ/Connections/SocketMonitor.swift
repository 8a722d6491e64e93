import CZeroMQ
import Glibc

/// Hears of the connections of one socket (<https://libzmq.readthedocs.io/en/latest/zmq_socket_monitor.html>).
///
/// libzmq waits for whoever listens: a monitor must live, and be read, until its socket has said ``Event/stopped``. One owner
/// at a time, which may be another thread than the socket's.
///
/// `@unchecked Sendable`: a socket may be handed from thread to thread, as long as one at a time uses it.
public final class SocketMonitor: @unchecked Sendable {
    /// What happened to a connection.
    public enum Event: Equatable, Sendable {
        /// Somebody called: the connection's number, and where it comes from, where that can be told.
        case accepted(Int, peer: String?)
        /// A connection has ended.
        case disconnected(Int)
        /// Somebody has come in.
        case admitted
        /// Somebody has not come in.
        case refused(Refusal)
        /// The socket has been closed, or is monitored no longer: this is the last event.
        case stopped
    }

    /// Why somebody did not come in.
    public enum Refusal: Hashable, Sendable {
        /// The handshake ended early or took too long; what the other side was is not known.
        case incomplete
        /// The other side uses CURVE and this one does not, or the other way round.
        case otherMechanism
        /// What the other side says cannot be decrypted: it has another server key.
        case otherServerKey
        /// The access handler said no, with its status code.
        case denied(Int)
        /// The handshake was not that of ZeroMQ.
        case malformed
    }

    let socket: Socket

    /// Begins to listen, before the socket is attached.
    ///
    /// - Parameter monitored: The socket.
    /// - Throws: ``ZeroMQError`` where the process may open no more files.
    public init(_ monitored: borrowing Socket) throws(ZeroMQError) {
        let handle = monitored.handle
        let address = "inproc://sluice.monitor.\(UInt(bitPattern: unsafe handle.pointer))"
        let socket = try Socket(.pair, in: handle.context)
        try socket.set(.linger, to: 0)
        // Without bound: the socket's own threads would wait here.
        try socket.set(.receiveHighWaterMark, to: 0)
        _ = try checked("monitor a socket") {
            unsafe zmq_socket_monitor(handle.pointer, address, Self.events)
        }
        try socket.attach(to: Endpoint(.connect, address), otherwise: .connect)
        self.socket = socket
    }

    /// Takes the next event, if there is one that says something.
    ///
    /// - Returns: The event; nil where none is there.
    /// - Throws: ``ZeroMQError`` where the socket cannot receive.
    public func next() throws(ZeroMQError) -> Event? {
        while let frames = try socket.receiveFrames(wait: false) {
            // A number of 16 bits for the kind and one of 32 for the value, in the machine's own order.
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

    /// The IP address of the other side; nil for what is no TCP, and for a connection that has ended meanwhile.
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
    /// Ends what a ``SocketMonitor`` of this socket hears, before the monitor is let go.
    public func stopMonitoring() {
        // Nothing to end is as good.
        unsafe zmq_socket_monitor(handle.pointer, nil, 0)
    }
}

import Glibc

/// The connections of one endpoint at one moment. This type ends the connections without losing anything that a peer
/// has already written.
///
/// libzmq has no call for this purpose. Unbinding or closing the socket ends the sessions of all accepted connections
/// and discards the bytes that the kernel still holds for them. Instead, this type half-closes the descriptors, and
/// libzmq continues to read. The peer's libzmq hangs up once it reads the end of the stream. Until then, everything
/// that the peer writes is received.
///
/// Connections made later are not ended. The caller must first prevent peers from finishing a handshake. Later
/// connections then carry no messages, because a peer sends messages only after its handshake.
public struct PeerConnections {
    /// One connection.
    private struct Connection {
        /// Distinguishes the connection from a later one with the same descriptor.
        let inode: ino_t
        var isHalfClosed = false
        /// The number of bytes received as of the last check; 0 if the kernel does not count them.
        var received = 0
        /// The time at which the current silence began.
        var quietSince: ContinuousClock.Instant
        var boundary = MessageBoundary()

        mutating func mayBeHalfClosed(
            _ descriptor: CInt, at moment: Moment, _ now: ContinuousClock.Instant, hasReceived: Bool
        ) -> Bool {
            let count = receivedBytes(descriptor)
            let isQuiet = count.map { $0 == received } ?? !hasReceived
            received = count ?? 0
            let isEmpty = waitingBytes(descriptor) == 0
            if !isQuiet || !isEmpty { quietSince = now }
            guard isEmpty else {
                if case .any = moment { return true }
                return false
            }
            let silence = now - quietSince
            let place = count.map { boundary.look(received: $0, at: now) }
            switch (moment, place) {
            case (.any, _), (.betweenMessages, .betweenFewMessages): return true
            case (.quiet(let time), nil), (.betweenMessages(let time), nil): return silence >= time
            case (.quiet(let time), .betweenMessages), (.quiet(let time), .betweenFewMessages): return silence >= time
            case (.betweenMessages, .betweenMessages): return silence >= PeerConnections.shortSilence
            case (_, .unconfirmed), (_, .withinMessage): return silence >= PeerConnections.longSilence
            }
        }
    }

    /// Determines whether a connection is between two messages. To do so, it compares the number of bytes that the
    /// kernel has received with the total length of the messages received. The difference is smallest when no part of
    /// an unfinished message has arrived.
    private struct MessageBoundary {
        /// The maximum number of bytes that a producer with an empty queue writes within ``shortTime``. A producer with
        /// more to send writes batches of 8 kB.
        private static let fewBytes = 2048
        private static let shortTime = Duration.microseconds(100)

        /// Whether a connection is in the middle of a message or between two.
        enum Place {
            case withinMessage
            /// The difference is the smallest so far, but has been seen only once. A single sighting proves nothing,
            /// because the producer may have been in the middle of a message since the first check.
            case unconfirmed
            case betweenMessages
            /// The peer has just written a few messages and has none left in its queue.
            case betweenFewMessages
        }

        /// The total length of the messages received, in bytes.
        var taken = 0
        private var leastExcess = Int.max
        /// The number of bytes received when the smallest difference was first seen.
        private var firstSeen = 0
        /// Whether the smallest difference was seen again after more bytes had arrived.
        private var isConfirmed = false
        private var last: (received: Int, time: ContinuousClock.Instant)?

        /// Determines whether a connection whose bytes have all been read is between two messages.
        ///
        /// - Parameters:
        ///   - received: The number of bytes that the kernel has received.
        ///   - now: The current time.
        /// - Returns: The connection's ``Place``.
        mutating func look(received: Int, at now: ContinuousClock.Instant) -> Place {
            let previous = last
            last = (received, now)
            let excess = received - taken
            guard excess <= leastExcess else { return .withinMessage }
            if excess < leastExcess {
                (leastExcess, firstSeen, isConfirmed) = (excess, received, false)
            } else if received != firstSeen {
                isConfirmed = true
            }
            guard isConfirmed else { return .unconfirmed }
            guard let previous, now - previous.time < Self.shortTime else { return .betweenMessages }
            return 1...Self.fewBytes ~= received - previous.received ? .betweenFewMessages : .betweenMessages
        }
    }

    /// A producer that is between two messages and is silent for this long has nothing left to write.
    private static let shortSilence = Duration.milliseconds(2)
    /// Any producer that is silent for this long has nothing left to write. This time is longer than ``shortSilence``
    /// because, on a busy machine, a producer may pause in the middle of a message for several milliseconds.
    private static let longSilence = Duration.milliseconds(100)
    /// The size of a ZMTP greeting in bytes. A peer that has sent less has not finished its handshake.
    private static let greetingBytes = 64

    /// The connections, by descriptor.
    private var connections: [CInt: Connection] = [:]
    /// The number of bytes that each frame takes on the connection, in addition to its content and length field.
    private let frameOverhead: Int

    /// Finds the connections of an endpoint: if the endpoint binds, the connections accepted from peers; otherwise, the
    /// connection to its peer.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint, with its actual port.
    ///   - isCurve: Whether messages are encrypted.
    public init(of endpoint: Endpoint, isCurve: Bool) {
        frameOverhead = isCurve ? Self.curveOverhead : 0
        let isBound = endpoint.attachment != .connect
        guard let name = SocketName(endpoint.address) else { return }
        let sockets = openSockets()
        // An accepted connection has the same name as its listener; a connection to a peer has its own name.
        let now = ContinuousClock.now
        let listeners = sockets.filter { $0.isListening }.compactMap(\.name)
        for socket in sockets {
            let isOurs =
                isBound ? socket.name == name : socket.peer == name && !listeners.contains { $0 == socket.name }
            guard !socket.isListening, isOurs, Self.mayHaveSentMessages(socket.descriptor) else { continue }
            connections[socket.descriptor] = Connection(inode: socket.inode, quietSince: now)
        }
    }

    /// The number of bytes that CURVE adds to a frame. The frame becomes a MESSAGE command, which has a name, a short
    /// nonce, and a box with a byte of flags. See <https://rfc.zeromq.org/spec/26/>.
    private static let curveOverhead = 33
    /// The longest frame whose length field takes one byte. For a longer frame, the field takes eight bytes. See
    /// <https://rfc.zeromq.org/spec/23/>.
    private static let longestShortFrame = 255

    /// Records a received frame.
    ///
    /// - Parameters:
    ///   - byteCount: The length of the frame's content.
    ///   - connection: The descriptor of the connection that delivered the message.
    public mutating func note(_ byteCount: Int, from connection: Int) {
        let length = byteCount + frameOverhead
        connections[CInt(connection)]?.boundary.taken += length + (length <= Self.longestShortFrame ? 2 : 9)
    }

    /// The condition under which a connection may be half-closed.
    public enum Moment: Sendable {
        /// The connection has been silent for this long.
        case quiet(Duration)
        /// Only whole messages have arrived on the connection. If this cannot be determined, the connection must have
        /// been silent for the given time instead.
        case betweenMessages(orQuiet: Duration)
        /// There is no condition.
        case any
    }

    /// Half-closes connections, and forgets those that have ended. Call this after receiving all available messages.
    ///
    /// When a peer reads the end of the stream, its libzmq discards any output that it has not written yet. This can be
    /// the rest of an 8 kB batch for which the kernel had no room, or the rest of a message that did not fit in the
    /// batch. Each connection is therefore half-closed only when its peer has nothing to write.
    ///
    /// - Parameters:
    ///   - moment: The condition under which a connection may be half-closed.
    ///   - hasReceived: Whether a message has arrived on any of the connections since the last call. Used only for
    ///     transports other than TCP, for which the kernel does not count the received bytes.
    /// - Returns: The number of connections that have not ended, and how many of those are not half-closed yet.
    public mutating func hangUp(at moment: Moment, hasReceived: Bool) -> (open: Int, waiting: Int) {
        let now = ContinuousClock.now
        var waiting = 0
        for descriptor in Array(connections.keys) {
            guard var connection = connections[descriptor], connection.inode == socketInode(of: descriptor) else {
                connections[descriptor] = nil
                continue
            }
            guard !connection.isHalfClosed else { continue }
            if connection.mayBeHalfClosed(descriptor, at: moment, now, hasReceived: hasReceived) {
                _ = shutdown(descriptor, CInt(SHUT_WR))
                connection.isHalfClosed = true
            } else {
                waiting += 1
            }
            connections[descriptor] = connection
        }
        return (connections.count, waiting)
    }

    /// The number of bytes that the kernel has received on these connections and libzmq has not read yet.
    public var unreadBytes: Int {
        connections.reduce(0) { sum, entry in
            guard entry.value.inode == socketInode(of: entry.key) else { return sum }
            return sum + waitingBytes(entry.key)
        }
    }

    /// Whether a peer may have sent messages. A TCP peer that has not finished its greeting, such as a port scanner,
    /// has sent none.
    private static func mayHaveSentMessages(_ descriptor: CInt) -> Bool {
        guard let count = receivedBytes(descriptor) else { return true }
        return count >= greetingBytes
    }
}

/// An open socket of this process.
private struct OpenSocket {
    let descriptor: CInt
    let inode: ino_t
    /// The address of this end; nil if it has none.
    let name: SocketName?
    /// The address of the other end; nil if there is none.
    let peer: SocketName?
    let isListening: Bool
}

/// The part of a socket's address that identifies its endpoint.
private enum SocketName: Equatable {
    case port(UInt16)
    case path([UInt8])

    /// Creates the name of the sockets at an address; nil if the transport is neither TCP nor IPC.
    init?(_ address: String) {
        if address.hasPrefix("tcp://"), let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) {
            self = .port(port)
        } else if address.hasPrefix("ipc://") {
            self = .path(Array(address.dropFirst("ipc://".count).utf8))
        } else {
            return nil
        }
    }

    /// Reads an address from the system; nil if it is neither a TCP nor a Unix address.
    init?(_ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe read($0, &length) }
        }
        guard result == 0 else { return nil }
        let bytes = unsafe withUnsafeBytes(of: &address) { unsafe Array($0.prefix(Int(length))) }
        switch CInt(address.ss_family) {
        // In both address families, the port follows the family field, high byte first.
        case AF_INET, AF_INET6: self = .port(UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        case AF_UNIX:
            let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size)
            // An abstract name begins with a zero byte, which libzmq writes as @. A path ends with a zero byte.
            self = .path(path.first == 0 ? [UInt8(ascii: "@")] + path.dropFirst() : Array(path.prefix { $0 != 0 }))
        default: return nil
        }
    }
}

/// Returns the open sockets of this process.
private func openSockets() -> [OpenSocket] {
    guard let folder = unsafe opendir("/proc/self/fd") else { return [] }
    defer { unsafe closedir(folder) }
    var sockets: [OpenSocket] = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        guard let descriptor = CInt(String(decoding: name, as: UTF8.self)), let inode = socketInode(of: descriptor)
        else {
            continue
        }
        sockets.append(
            OpenSocket(
                descriptor: descriptor, inode: inode,
                name: unsafe SocketName { unsafe getsockname(descriptor, $0, $1) },
                peer: unsafe SocketName { unsafe getpeername(descriptor, $0, $1) },
                isListening: isListening(descriptor)))
    }
    return sockets
}

/// Returns the inode number that identifies a socket while it is open; nil if the descriptor is not an open socket.
func socketInode(of descriptor: CInt) -> ino_t? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    return status.st_ino
}

private func isListening(_ descriptor: CInt) -> Bool {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
}

/// Returns the number of bytes that can be read from a socket at present.
private func waitingBytes(_ descriptor: CInt) -> Int {
    var count: CInt = 0
    guard unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 else { return 0 }
    return Int(count)
}

/// Returns the number of bytes that a TCP connection has received since it was made; nil for other sockets.
func receivedBytes(_ descriptor: CInt) -> Int? {
    // The offset of `tcpi_bytes_received` in Linux's `tcp_info`. glibc's header lacks this field.
    let offset = 128
    var info = [UInt8](repeating: 0, count: 256)
    var length = socklen_t(info.count)
    guard unsafe getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
        Int(length) >= offset + MemoryLayout<UInt64>.size
    else { return nil }
    return info[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
}

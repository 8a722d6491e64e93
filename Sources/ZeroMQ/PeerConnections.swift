import Glibc

/// The connections of one endpoint as they were at one moment. It ends them so that nothing is lost that a peer has written.
///
/// libzmq knows no such call. `zmq_unbind` ends the sessions of all accepted connections with the listener, and discards what
/// the kernel still holds of them. Closing the socket does the same. So the descriptors themselves are half-closed: libzmq
/// goes on reading, a peer's libzmq hangs up when it reads the end of the stream, and all that it has written until then is
/// received.
///
/// A connection that comes later is left alone. Whoever ends connections keeps peers from finishing a handshake first
/// (a peer sends messages only after it), so that a connection that comes later carries no message.
public struct PeerConnections {
    /// One connection.
    private struct Connection {
        let descriptor: CInt
        /// Tells the connection from a later one that got the same descriptor.
        let inode: ino_t
        var isHalfClosed = false
        /// Bytes that had come at the last look; stays 0 where the kernel does not count them.
        var received = 0
        /// Since when nothing has come.
        var quietSince: ContinuousClock.Instant
    }

    /// Bytes of a ZMTP greeting. A peer that has sent less has not finished its handshake.
    private static let greetingBytes = 64

    private var connections: [Connection]

    /// Finds the connections that peers made to a bound endpoint, or that a connecting endpoint made to its peer.
    ///
    /// - Parameter endpoint: The endpoint, a port `*` resolved.
    public init(of endpoint: Endpoint) {
        let isBound = endpoint.attachment != .connect
        guard let name = SocketName(endpoint.address) else {
            connections = []
            return
        }
        let sockets = openSockets()
        // Whoever is accepted has the name of the listener; a connection to a peer has a name of its own.
        let now = ContinuousClock.now
        let listeners = sockets.filter { $0.isListening }.compactMap(\.name)
        connections = sockets.compactMap { socket in
            let isOurs =
                isBound ? socket.name == name : socket.peer == name && !listeners.contains { $0 == socket.name }
            guard !socket.isListening, isOurs, Self.mayHaveSentMessages(socket.descriptor) else { return nil }
            return Connection(descriptor: socket.descriptor, inode: socket.inode, quietSince: now)
        }
    }

    /// Half-closes the connections, and forgets those that have ended.
    ///
    /// A peer that reads the end of the stream gives up what its libzmq has begun to write: the rest of a batch of 8 kB for
    /// which there was no room, and the rest of a message that the batch had not room for. So a connection is half-closed at a
    /// moment when its peer has nothing to write.
    ///
    /// - Parameters:
    ///   - quiet: How long nothing must have come on a connection before it is half-closed; nil: half-close it in any case.
    ///   - hasReceived: Whether a message has been received since the last call, on any of the connections. The kernel says
    ///     more of TCP alone.
    /// - Returns: How many connections have not ended, and how many of them are not half-closed.
    public mutating func hangUp(after quiet: Duration?, hasReceived: Bool) -> (open: Int, waiting: Int) {
        connections.removeAll { $0.inode != socketInode(of: $0.descriptor) }
        let now = ContinuousClock.now
        var waiting = 0
        for index in connections.indices where !connections[index].isHalfClosed {
            let descriptor = connections[index].descriptor
            let received = receivedBytes(descriptor)
            let isQuiet = received.map { $0 == connections[index].received } ?? !hasReceived
            connections[index].received = received ?? 0
            let isEmpty = waitingBytes(descriptor) == 0
            if !isQuiet || !isEmpty { connections[index].quietSince = now }
            if let quiet, !isEmpty || now - connections[index].quietSince < quiet {
                waiting += 1
                continue
            }
            _ = shutdown(descriptor, CInt(SHUT_WR))
            connections[index].isHalfClosed = true
        }
        return (connections.count, waiting)
    }

    /// Bytes that the kernel has received on these connections, and that nobody has read.
    public var unreadBytes: Int {
        connections.reduce(0) { sum, connection in
            guard connection.inode == socketInode(of: connection.descriptor) else { return sum }
            return sum + waitingBytes(connection.descriptor)
        }
    }

    /// False for a TCP connection whose peer has not even greeted, such as a port probe.
    private static func mayHaveSentMessages(_ descriptor: CInt) -> Bool {
        guard let count = receivedBytes(descriptor) else { return true }
        return count >= greetingBytes
    }
}

/// An open socket of this process.
private struct OpenSocket {
    let descriptor: CInt
    let inode: ino_t
    /// The socket's own end; nil where it has none.
    let name: SocketName?
    /// The other end; nil where there is none.
    let peer: SocketName?
    let isListening: Bool
}

/// What tells sockets of one endpoint from others.
private enum SocketName: Equatable {
    case port(UInt16)
    case path([UInt8])

    /// The name of the sockets at an endpoint's address.
    init?(_ address: String) {
        if address.hasPrefix("tcp://"), let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) {
            self = .port(port)
        } else if address.hasPrefix("ipc://") {
            self = .path(Array(address.dropFirst("ipc://".count).utf8))
        } else {
            return nil
        }
    }

    /// Reads an address as the system writes it; nil for what is neither TCP's nor a Unix socket's.
    init?(_ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe read($0, &length) }
        }
        guard result == 0 else { return nil }
        let bytes = unsafe withUnsafeBytes(of: &address) { unsafe Array($0.prefix(Int(length))) }
        switch CInt(address.ss_family) {
        // In both the port follows the family, its high byte first.
        case AF_INET, AF_INET6: self = .port(UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        case AF_UNIX:
            let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size)
            // An abstract name begins with a zero, which libzmq writes as @; a path ends with one.
            self = .path(path.first == 0 ? [UInt8(ascii: "@")] + path.dropFirst() : Array(path.prefix { $0 != 0 }))
        default: return nil
        }
    }
}

/// The sockets that this process has open.
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

/// The number that a socket has for as long as it is open; nil for what is no open socket.
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

/// Bytes that can be read from a socket now.
private func waitingBytes(_ descriptor: CInt) -> Int {
    var count: CInt = 0
    guard unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 else { return 0 }
    return Int(count)
}

/// Bytes that a TCP connection has received since it was made; nil for other sockets.
func receivedBytes(_ descriptor: CInt) -> Int? {
    // The place of `tcpi_bytes_received` in Linux' `tcp_info`, which glibc's header has not got.
    let offset = 128
    var info = [UInt8](repeating: 0, count: 256)
    var length = socklen_t(info.count)
    guard unsafe getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
        Int(length) >= offset + MemoryLayout<UInt64>.size
    else { return nil }
    return info[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
}

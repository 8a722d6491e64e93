import Glibc

extension Socket {
    /// Tells all who are connected to an address that was bound that the connection is at its end. libzmq knows no such call:
    /// it goes on reading what its peers send for as long as the socket is open.
    ///
    /// A peer's libzmq hangs up when it reads the end of the stream, and all that it has written until then is received.
    ///
    /// - Parameter address: The address, a port `*` resolved.
    /// - Returns: How many connections there still are.
    public func hangUp(_ address: String) -> Int {
        guard let name = SocketName(address) else { return 0 }
        var count = 0
        for descriptor in openDescriptors() where SocketName(of: descriptor) == name && !isListening(descriptor) {
            count += 1
            // Once more does no harm; only what is read is to go on.
            _ = shutdown(descriptor, CInt(SHUT_WR))
        }
        return count
    }
}

/// What tells a socket of this process from others: its own end of the connection.
private enum SocketName: Equatable {
    case port(UInt16)
    case path([UInt8])

    /// The name that sockets have which are connected to a bound address.
    init?(_ address: String) {
        if address.hasPrefix("tcp://"), let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) {
            self = .port(port)
        } else if address.hasPrefix("ipc://") {
            self = .path(Array(address.dropFirst("ipc://".count).utf8))
        } else {
            return nil
        }
    }

    /// The name of an open socket; nil for what is none, or one of another kind.
    init?(of descriptor: CInt) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
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

private func isListening(_ descriptor: CInt) -> Bool {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
}

/// The descriptors that this process has open.
private func openDescriptors() -> [CInt] {
    guard let folder = unsafe opendir("/proc/self/fd") else { return [] }
    defer { unsafe closedir(folder) }
    var descriptors: [CInt] = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        if let descriptor = CInt(String(decoding: name, as: UTF8.self)) { descriptors.append(descriptor) }
    }
    return descriptors
}

import Glibc

/// A system socket without ZeroMQ's protocol, used to find out why ZeroMQ cannot connect or bind to an address. libzmq
/// itself retries connections silently, and would take over the path of another process's Unix socket.
public final class PlainSocket: Sendable {
    private let descriptor: CInt

    /// Connects to a TCP endpoint or to the file of an IPC endpoint.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - milliseconds: The maximum time to wait.
    /// - Throws: ``ZeroMQError`` with the system's code. The code is `ENOTSUP` if the transport is `inproc`, or if the
    ///   host is a name, because a lookup may take a long time.
    public convenience init(connectedTo endpoint: Endpoint, milliseconds: Int) throws(ZeroMQError) {
        guard let address = SystemAddress(endpoint) else {
            throw ZeroMQError(code: ENOTSUP, operation: "connect to", context: endpoint.address)
        }
        try self.init(connectedTo: address, "\(endpoint.address)", milliseconds: milliseconds)
    }

    fileprivate init(
        connectedTo address: SystemAddress, _ place: String, milliseconds: Int
    ) throws(ZeroMQError) {
        descriptor = try Self.open(address, place)
        guard unsafe address.withPointer({ unsafe connect(descriptor, $0, $1) }) != 0 else { return }
        guard errno == EINPROGRESS, isReady(POLLOUT, milliseconds: milliseconds) else {
            throw ZeroMQError(code: errno == EINPROGRESS ? ETIMEDOUT : errno, operation: "connect to", context: place)
        }
        var (code, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            throw ZeroMQError(code: code, operation: "connect to", context: place)
        }
    }

    /// Binds without listening, to test whether the address is free.
    fileprivate init(boundTo address: SystemAddress, _ place: String) throws(ZeroMQError) {
        descriptor = try Self.open(address, place)
        var yes: CInt = 1
        // libzmq sets this option too. With it, connections that have just ended do not prevent binding.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe address.withPointer({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw ZeroMQError(code: errno, operation: "bind", context: place)
        }
    }

    deinit { close(descriptor) }

    private static func open(_ address: SystemAddress, _ place: String) throws(ZeroMQError) -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw ZeroMQError(code: errno, operation: "open a socket", context: place) }
        return descriptor
    }

    private func isReady(_ event: CInt, milliseconds: Int) -> Bool {
        var item = pollfd(fd: descriptor, events: CShort(event), revents: 0)
        return unsafe poll(&item, 1, CInt(clamping: milliseconds)) == 1
    }

    /// Sends an HTTP request to the peer.
    ///
    /// - Parameter milliseconds: The maximum time to wait.
    /// - Returns: Whether the peer answers as an HTTP server.
    public func answersHTTP(milliseconds: Int) -> Bool {
        let request = Array("HEAD / HTTP/1.0\r\n\r\n".utf8)
        guard unsafe send(descriptor, request, request.count, CInt(MSG_NOSIGNAL)) == request.count,
            isReady(POLLIN, milliseconds: milliseconds)
        else { return false }
        var answer = [UInt8](repeating: 0, count: 16)
        let count = unsafe recv(descriptor, &answer, answer.count, 0)
        return answer.prefix(max(0, count)).starts(with: "HTTP/".utf8)
    }
}

extension Endpoint {
    /// Whether another program listens at the address that a socket would bind. False if this cannot be determined, for
    /// example for the port `*`.
    public var isInUse: Bool {
        guard let address = SystemAddress(self) else { return false }
        do throws(ZeroMQError) {
            // If no one listens on a Unix socket, its file was left behind by a crash, and libzmq will replace it.
            if ipcPath != nil {
                _ = try PlainSocket(connectedTo: address, self.address, milliseconds: 0)
                return true
            }
            _ = try PlainSocket(boundTo: address, self.address)
            return false
        } catch {
            // `EAGAIN` means that the queue of a Unix socket's listener is full, so a program is listening.
            return error.code == EADDRINUSE || ipcPath != nil && error.code == EAGAIN
        }
    }
}

/// An address in the form that system calls take.
private struct SystemAddress {
    private var storage = sockaddr_storage()
    private let length: socklen_t

    /// The address family, such as `AF_INET`.
    var family: CInt { CInt(storage.ss_family) }

    /// Creates the address of an IPC endpoint with a file, or of a TCP endpoint with a port and a host that is numeric,
    /// `localhost` or `*`. Returns nil for any other endpoint.
    init?(_ endpoint: Endpoint) {
        if let path = endpoint.ipcPath {
            self.init(path: path)
        } else if let (host, port) = endpoint.hostAndPort, let number = UInt16(port), number > 0 {
            self.init(host: host, port: port)
        } else {
            return nil
        }
    }

    private init?(path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            unsafe withUnsafeBytes(of: &address) { unsafe target.copyMemory(from: $0) }
        }
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
    }

    private init?(host: String, port: String) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var name = host == "*" ? "0.0.0.0" : Endpoint.numericHost(host)
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, port, &hints, &found) == 0, let first = unsafe found else { return nil }
        defer { unsafe freeaddrinfo(first) }
        length = unsafe first.pointee.ai_addrlen
        let bytes = unsafe UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: Int(length))
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: bytes) }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}

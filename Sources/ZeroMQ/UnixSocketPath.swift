import Glibc

/// Returns whether a process listens at the path of a Unix socket. libzmq does not check this: it takes over the path,
/// and neither process notices.
///
/// - Parameter path: The part after `ipc://`.
/// - Returns: False if no process listens, such as after a crash that left the file, or if the path is too long for a
///   socket.
func isListening(atUnixSocket path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    // Connects without blocking. EAGAIN means that the listener's queue is full, so a process is listening.
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let result = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    return result == 0 || errno == EAGAIN
}

/// Binds an `ipc://` endpoint whose file only the owner can access, from the moment the file exists. Files that other
/// threads create at the same time are private too.
///
/// - Parameter bind: Binds the socket.
/// - Throws: The error of `bind`.
public func bindingPrivately(_ bind: () throws(ZeroMQError) -> Void) throws(ZeroMQError) {
    let mask = umask(S_IXUSR | S_IRWXG | S_IRWXO)
    defer { umask(mask) }
    try bind()
}

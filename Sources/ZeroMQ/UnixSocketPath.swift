import Glibc

/// Whether somebody listens at the path of a Unix socket. libzmq does not ask: it takes the path away from them, and
/// neither side is told.
///
/// - Parameter path: What follows `ipc://`.
/// - Returns: False where nobody is there, as after a crash that left the file, and for what is no path.
func isListening(atUnixSocket path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    // Does not wait: where the queue of those who call is full, somebody is there.
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

/// Binds so that the file of an `ipc://` endpoint is its owner's alone, from the moment on that it is there. What other
/// threads create in this instant is their owner's alone too.
///
/// - Parameter bind: Binds the socket.
/// - Throws: What `bind` throws.
public func bindingPrivately(_ bind: () throws(ZeroMQError) -> Void) throws(ZeroMQError) {
    let mask = umask(S_IXUSR | S_IRWXG | S_IRWXO)
    defer { umask(mask) }
    try bind()
}

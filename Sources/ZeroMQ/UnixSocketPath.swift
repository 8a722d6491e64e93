import Glibc

/// Binds an `ipc://` endpoint so that only the owner can access the endpoint's file, from the moment the file is
/// created. Files that other threads create at the same time are private too, because the umask applies to the whole
/// process.
///
/// - Parameter bind: A closure that binds the socket.
/// - Throws: The error that `bind` throws.
public func bindingPrivately(_ bind: () throws(ZeroMQError) -> Void) throws(ZeroMQError) {
    let mask = umask(S_IXUSR | S_IRWXG | S_IRWXO)
    defer { umask(mask) }
    try bind()
}

import Glibc

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

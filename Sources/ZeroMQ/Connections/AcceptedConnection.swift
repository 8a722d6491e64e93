import Glibc

/// An accepted connection, identified by the number that a ``SocketMonitor`` reports. libzmq has no call that inspects
/// or ends a single connection, so this type uses the connection's descriptor.
public struct AcceptedConnection: Sendable {
    private let descriptor: CInt
    /// Distinguishes the connection from a later one with the same descriptor.
    private let inode: ino_t

    /// Finds a connection.
    ///
    /// - Parameter number: The connection's number. The result is nil if the connection has ended.
    public init?(_ number: Int) {
        guard let descriptor = CInt(exactly: number), let inode = socketInode(of: descriptor) else { return nil }
        self.descriptor = descriptor
        self.inode = inode
    }

    /// Bytes received since the connection was made; nil if it is not TCP or has ended.
    public var byteCount: Int? { isOpen ? receivedBytes(descriptor) : nil }

    /// Ends the connection. libzmq reads the end of the stream and forgets the connection.
    public func cutOff() {
        if isOpen { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    private var isOpen: Bool { socketInode(of: descriptor) == inode }
}

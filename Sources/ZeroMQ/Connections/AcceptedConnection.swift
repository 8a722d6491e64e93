import Glibc

/// An accepted connection, identified by the number that a ``SocketMonitor`` reports. The number is the connection's
/// file descriptor. This type uses the descriptor directly, because libzmq has no call that inspects or ends a single
/// connection.
public struct AcceptedConnection: Sendable {
    private let descriptor: CInt
    /// Distinguishes the connection from a later one with the same descriptor.
    private let inode: ino_t

    /// Finds a connection. Returns nil if the connection has ended.
    ///
    /// - Parameter number: The connection's number.
    public init?(_ number: Int) {
        guard let descriptor = CInt(exactly: number), let inode = socketInode(of: descriptor) else { return nil }
        self.descriptor = descriptor
        self.inode = inode
    }

    /// The number of bytes received since the connection was made; nil if the connection is not TCP or has ended.
    public var byteCount: Int? { isOpen ? receivedBytes(descriptor) : nil }

    /// Ends the connection. libzmq reads the end of the stream and forgets the connection.
    public func cutOff() {
        if isOpen { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    private var isOpen: Bool { socketInode(of: descriptor) == inode }
}

import Glibc

/// One connection that was accepted, by the number that a ``SocketMonitor`` tells. libzmq has no call that looks at one
/// connection or ends it, so this is done with its descriptor.
public struct AcceptedConnection: Sendable {
    private let descriptor: CInt
    /// Tells the connection from a later one that got the same descriptor.
    private let inode: ino_t

    /// Finds a connection.
    ///
    /// - Parameter number: Its number; nil comes of a connection that has ended.
    public init?(_ number: Int) {
        guard let descriptor = CInt(exactly: number), let inode = socketInode(of: descriptor) else { return nil }
        self.descriptor = descriptor
        self.inode = inode
    }

    /// Bytes that it has received since it was made; nil where it is no TCP, or has ended.
    public var byteCount: Int? { isOpen ? receivedBytes(descriptor) : nil }

    /// Ends the connection: libzmq reads its end, and forgets it.
    public func cutOff() {
        if isOpen { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    private var isOpen: Bool { socketInode(of: descriptor) == inode }
}

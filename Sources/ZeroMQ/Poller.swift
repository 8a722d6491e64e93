import CZeroMQ
import Glibc

/// Waits until at least one of several sockets or a ``Wakeup`` is readable.
///
/// A poller waits on the sockets' descriptors itself. `zmq_poll` would check each socket both before and after the
/// wait, which would delay the receipt of a single message. A descriptor signals each change of its socket only once
/// (<https://libzmq.readthedocs.io/en/latest/zmq_getsockopt.html>, `ZMQ_FD`). Before the wait, a poller therefore
/// checks each socket that is not known to be empty. A signal during the wait only means that the socket may be
/// readable.
@safe
public struct Poller: ~Copyable {
    private struct Item {
        /// The socket; nil if the item is a wake-up.
        let socket: SocketHandle?
        let descriptor: CInt
        /// Keeps the polled object open.
        let owner: AnyObject
        var isWatched = true
        var mayBeReadable = false
    }

    private var items: [Item] = []
    /// The descriptors that the system call polls, in the order of `items`.
    private var descriptors: [pollfd] = []

    /// Creates a poller that watches nothing.
    public init() {}

    /// Watches a socket.
    ///
    /// - Returns: The item's number, for ``mayBeReadable(_:)`` and ``watch(_:_:)``.
    public mutating func add(_ socket: borrowing Socket) -> Int {
        add(Item(socket: socket.handle, descriptor: socket.handle.descriptor, owner: socket.handle))
    }

    /// Watches the events of a monitor.
    ///
    /// - Returns: The item's number, for ``mayBeReadable(_:)`` and ``watch(_:_:)``.
    public mutating func add(_ monitor: SocketMonitor) -> Int { add(monitor.socket) }

    /// Watches a wake-up.
    ///
    /// - Returns: The item's number, for ``mayBeReadable(_:)`` and ``watch(_:_:)``.
    public mutating func add(_ wakeup: Wakeup) -> Int {
        add(Item(socket: nil, descriptor: wakeup.readEnd, owner: wakeup))
    }

    private mutating func add(_ item: Item) -> Int {
        items.append(item)
        descriptors.append(pollfd(fd: item.descriptor, events: CShort(POLLIN), revents: 0))
        return items.count - 1
    }

    /// Resumes or suspends watching an item.
    public mutating func watch(_ number: Int, _ isWatched: Bool) {
        guard items[number].isWatched != isWatched else { return }
        items[number].isWatched = isWatched
        // The system ignores negative descriptors.
        descriptors[number].fd = isWatched ? items[number].descriptor : -1
    }

    /// Waits until an item is readable or may be readable.
    ///
    /// - Parameter milliseconds: The maximum time to wait; 0 to check without waiting, −1 for no limit.
    /// - Throws: ``ZeroMQError`` if a socket's context has ended.
    public mutating func wait(milliseconds: Int) throws(ZeroMQError) {
        var isAnyReadable = false
        for index in items.indices {
            items[index].mayBeReadable = false
            guard items[index].isWatched, let socket = items[index].socket, !socket.isKnownEmpty else { continue }
            items[index].mayBeReadable = try socket.isReadable()
            isAnyReadable = isAnyReadable || items[index].mayBeReadable
        }
        let milliseconds = isAnyReadable ? 0 : CInt(clamping: milliseconds)
        _ = try checked("poll") {
            unsafe descriptors.withUnsafeMutableBufferPointer {
                unsafe poll($0.baseAddress, nfds_t($0.count), milliseconds)
            }
        }
        for index in items.indices where descriptors[index].revents != 0 { items[index].mayBeReadable = true }
    }

    /// Whether the last wait found that an item is readable or may be readable.
    public func mayBeReadable(_ number: Int) -> Bool { items[number].mayBeReadable }
}

extension SocketHandle {
    /// The descriptor that becomes readable when the socket changes.
    fileprivate var descriptor: CInt {
        var descriptor: CInt = -1
        var size = MemoryLayout<CInt>.size
        // Every open socket has a descriptor, so the call succeeds.
        let result = unsafe zmq_getsockopt(pointer, ZMQ_FD, &descriptor, &size)
        precondition(result == 0, "a socket has no descriptor")
        return descriptor
    }

    /// Whether the socket is readable now.
    fileprivate func isReadable() throws(ZeroMQError) -> Bool {
        var events: CInt = 0
        var size = MemoryLayout<CInt>.size
        _ = try checked("poll") { unsafe zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size) }
        isKnownEmpty = events & ZMQ_POLLIN == 0
        return !isKnownEmpty
    }
}

import CZeroMQ
import Glibc

/// Waits until one of several sockets or a ``Wakeup`` is readable.
///
/// A poller waits for the sockets' descriptors itself. `zmq_poll` checks each socket before and after the wait, and
/// both checks would delay a message that arrives alone. A descriptor signals every change of its socket once
/// (<https://libzmq.readthedocs.io/en/latest/zmq_getsockopt.html>, `ZMQ_FD`). A poller therefore checks a socket before
/// the wait, unless the socket is known to be empty. A signal after the wait only means that the socket may be
/// readable.
@safe
public struct Poller: ~Copyable {
    private struct Item {
        /// The socket; nil for a wake-up.
        let socket: SocketHandle?
        let descriptor: CInt
        /// Keeps the polled object open.
        let owner: AnyObject
        var isWatched = true
        var mayBeReadable = false
    }

    private var items: [Item] = []
    /// The descriptors for the system call, in the order of `items`.
    private var descriptors: [pollfd] = []

    /// Creates a poller that watches nothing.
    public init() {}

    /// Watches a socket.
    ///
    /// - Returns: The number to pass to ``mayBeReadable(_:)``.
    public mutating func add(_ socket: borrowing Socket) -> Int {
        add(Item(socket: socket.handle, descriptor: socket.handle.descriptor, owner: socket.handle))
    }

    /// Watches the events of a monitor.
    ///
    /// - Returns: The number to pass to ``mayBeReadable(_:)``.
    public mutating func add(_ monitor: SocketMonitor) -> Int { add(monitor.socket) }

    /// Watches a wake-up.
    ///
    /// - Returns: The number to pass to ``mayBeReadable(_:)``.
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

    /// Waits until an item is readable, or may be.
    ///
    /// - Parameter milliseconds: The maximum time; 0 to only check, −1 for no limit.
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

    /// Whether the last wait found that an item is readable, or may be.
    public func mayBeReadable(_ number: Int) -> Bool { items[number].mayBeReadable }
}

extension SocketHandle {
    /// The descriptor that becomes readable at each change of the socket.
    fileprivate var descriptor: CInt {
        var descriptor: CInt = -1
        var size = MemoryLayout<CInt>.size
        // An open socket has a descriptor.
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

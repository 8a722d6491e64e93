import CZeroMQ
import Glibc

/// Waits until one of several sockets, or a ``Wakeup``, has something to read.
///
/// It waits for the sockets' descriptors by itself. `zmq_poll` looks at each socket before and after it has waited, which a
/// message that comes alone would wait for. A descriptor tells of every change of its socket, once
/// (<https://libzmq.readthedocs.io/en/latest/zmq_getsockopt.html>, `ZMQ_FD`): so each socket is looked at before the wait,
/// unless it is known to have nothing, and what is told afterwards is a sign that there may be something to read.
@safe
public struct Poller: ~Copyable {
    private struct Item {
        /// The socket; nil for a wake-up call.
        let socket: SocketHandle?
        let descriptor: CInt
        /// Held so that nothing is polled that has been closed.
        let owner: AnyObject
        var isWatched = true
        var mayBeReadable = false
    }

    private var items: [Item] = []
    /// As the system takes them, in the order of `items`.
    private var descriptors: [pollfd] = []

    /// Watches nothing yet.
    public init() {}

    /// Watches a socket too.
    ///
    /// - Returns: The number to ask for with ``mayBeReadable(_:)``.
    public mutating func add(_ socket: borrowing Socket) -> Int {
        add(Item(socket: socket.handle, descriptor: socket.handle.descriptor, owner: socket.handle))
    }

    /// Watches what a monitor hears too.
    ///
    /// - Returns: The number to ask for with ``mayBeReadable(_:)``.
    public mutating func add(_ monitor: SocketMonitor) -> Int { add(monitor.socket) }

    /// Watches a wake-up call too.
    ///
    /// - Returns: The number to ask for with ``mayBeReadable(_:)``.
    public mutating func add(_ wakeup: Wakeup) -> Int {
        add(Item(socket: nil, descriptor: wakeup.readEnd, owner: wakeup))
    }

    private mutating func add(_ item: Item) -> Int {
        items.append(item)
        descriptors.append(pollfd(fd: item.descriptor, events: CShort(POLLIN), revents: 0))
        return items.count - 1
    }

    /// Watches what was added, or for a time does not.
    public mutating func watch(_ number: Int, _ isWatched: Bool) {
        guard items[number].isWatched != isWatched else { return }
        items[number].isWatched = isWatched
        // The system leaves out what is less than 0.
        descriptors[number].fd = isWatched ? items[number].descriptor : -1
    }

    /// Waits until something can be read, or may be.
    ///
    /// - Parameter milliseconds: How long at most; 0: only look, −1: for ever.
    /// - Throws: ``ZeroMQError`` where a socket's context has ended.
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

    /// Whether the last wait found something to read there, or a sign of it, of which nothing may come.
    public func mayBeReadable(_ number: Int) -> Bool { items[number].mayBeReadable }
}

extension SocketHandle {
    /// What becomes readable at each change of the socket.
    fileprivate var descriptor: CInt {
        var descriptor: CInt = -1
        var size = MemoryLayout<CInt>.size
        // A socket that is open has one.
        let result = unsafe zmq_getsockopt(pointer, ZMQ_FD, &descriptor, &size)
        precondition(result == 0, "a socket has no descriptor")
        return descriptor
    }

    /// Whether there is something to read now.
    fileprivate func isReadable() throws(ZeroMQError) -> Bool {
        var events: CInt = 0
        var size = MemoryLayout<CInt>.size
        _ = try checked("poll") { unsafe zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size) }
        isKnownEmpty = events & ZMQ_POLLIN == 0
        return !isKnownEmpty
    }
}

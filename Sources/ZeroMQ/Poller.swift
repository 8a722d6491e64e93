import CZeroMQ

/// Waits until one of several sockets, or a ``Wakeup``, has something to read.
@safe
public struct Poller: ~Copyable {
    private var items: [zmq_pollitem_t]
    /// Held so that nothing is polled that has been closed.
    private var watched: [AnyObject] = []

    /// Watches nothing yet.
    public init() {
        unsafe items = []
    }

    /// Watches a socket too.
    ///
    /// - Returns: The number to ask for with ``isReadable(_:)``.
    public mutating func add(_ socket: borrowing Socket) -> Int {
        let handle = socket.handle
        return unsafe add(zmq_pollitem_t(socket: handle.pointer, fd: 0, events: Self.readable, revents: 0), handle)
    }

    /// Watches what a monitor hears too.
    ///
    /// - Returns: The number to ask for with ``isReadable(_:)``.
    public mutating func add(_ monitor: SocketMonitor) -> Int { add(monitor.socket) }

    /// Watches a wake-up call too.
    ///
    /// - Returns: The number to ask for with ``isReadable(_:)``.
    public mutating func add(_ wakeup: Wakeup) -> Int {
        unsafe add(zmq_pollitem_t(socket: nil, fd: wakeup.readEnd, events: Self.readable, revents: 0), wakeup)
    }

    /// Watches what was added, or for a time does not.
    public mutating func watch(_ number: Int, _ isWatched: Bool) {
        unsafe items[number].events = isWatched ? Self.readable : 0
    }

    /// Waits until something can be read.
    ///
    /// - Parameter milliseconds: How long at most; 0: only look, −1: for ever.
    /// - Throws: ``ZeroMQError`` where a socket's context has ended.
    public mutating func wait(milliseconds: Int) throws(ZeroMQError) {
        _ = try checked("poll") {
            unsafe items.withUnsafeMutableBufferPointer {
                unsafe zmq_poll($0.baseAddress, CInt($0.count), milliseconds)
            }
        }
    }

    /// Whether the last wait found something to read there.
    public func isReadable(_ number: Int) -> Bool {
        unsafe items[number].revents & Self.readable != 0
    }

    private mutating func add(_ item: zmq_pollitem_t, _ object: AnyObject) -> Int {
        unsafe items.append(item)
        watched.append(object)
        return unsafe items.count - 1
    }

    private static let readable = CShort(ZMQ_POLLIN)
}

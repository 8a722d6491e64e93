import CZeroMQ

/// One frame, received or empty. It keeps its memory, so one message can take frame after frame.
///
/// The frame's bytes may lie within libzmq's own structure, which therefore has an address of its own for as long as the
/// message lives: Swift may move the message, but not what it points to.
@safe
public struct Message: ~Copyable {
    let pointer: UnsafeMutablePointer<zmq_msg_t>
    /// How many bytes the frame has. Whoever receives it is told, and libzmq need not be asked again.
    public internal(set) var byteCount = 0

    /// An empty message.
    public init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: zmq_msg_t())
        unsafe zmq_msg_init(pointer)
    }

    deinit {
        unsafe zmq_msg_close(pointer)
        unsafe pointer.deallocate()
    }

    /// The frame's bytes.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) get {
            let start = unsafe zmq_msg_data(pointer)?.assumingMemoryBound(to: UInt8.self)
            let buffer = unsafe UnsafeBufferPointer(start: start, count: byteCount)
            return unsafe _overrideLifetime(Span(_unsafeElements: buffer), borrowing: self)
        }
    }

    /// The frame's bytes, to read numbers from.
    public var rawBytes: RawSpan {
        @_lifetime(borrow self) get {
            let span = unsafe RawSpan(_unsafeStart: zmq_msg_data(pointer), byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The descriptor of the connection that the frame came by; nil where libzmq does not know it.
    public var connection: Int? {
        let number = unsafe zmq_msg_get(pointer, ZMQ_SRCFD)
        return number >= 0 ? Int(number) : nil
    }

    /// Whether another frame of the same multipart message follows.
    public var hasMore: Bool {
        unsafe zmq_msg_more(pointer) != 0
    }
}

import CZeroMQ

/// One received frame, or an empty one. A message can be reused to receive one frame after another.
///
/// libzmq may store a frame's bytes inside its own structure, `zmq_msg_t`. Therefore, the structure keeps its address
/// even if Swift moves the message.
@safe
public struct Message: ~Copyable {
    let pointer: UnsafeMutablePointer<zmq_msg_t>
    /// The length of the frame in bytes. `receive` stores it here, which saves a call to libzmq.
    public internal(set) var byteCount = 0

    /// Creates an empty message.
    public init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: zmq_msg_t())
        unsafe zmq_msg_init(pointer)
    }

    deinit {
        unsafe zmq_msg_close(pointer)
        unsafe pointer.deallocate()
    }

    /// Empties the message, which can then receive another frame.
    public mutating func removeAll() {
        unsafe zmq_msg_close(pointer)
        unsafe zmq_msg_init(pointer)
        byteCount = 0
    }

    /// The frame's bytes.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) get {
            let start = unsafe zmq_msg_data(pointer)?.assumingMemoryBound(to: UInt8.self)
            let buffer = unsafe UnsafeBufferPointer(start: start, count: byteCount)
            return unsafe _overrideLifetime(Span(_unsafeElements: buffer), borrowing: self)
        }
    }

    /// The frame's bytes, for reading multi-byte numbers.
    public var rawBytes: RawSpan {
        @_lifetime(borrow self) get {
            let span = unsafe RawSpan(_unsafeStart: zmq_msg_data(pointer), byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The descriptor of the connection that delivered the frame; nil if libzmq does not know it.
    public var connection: Int? {
        let number = unsafe zmq_msg_get(pointer, ZMQ_SRCFD)
        return number >= 0 ? Int(number) : nil
    }

    /// Whether another frame of the same multipart message follows.
    public var hasMore: Bool {
        unsafe zmq_msg_more(pointer) != 0
    }
}

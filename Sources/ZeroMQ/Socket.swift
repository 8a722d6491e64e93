import CZeroMQ
import Glibc
import Synchronization

/// A ZeroMQ socket. It has one owner and is used on one thread, because libzmq's sockets must not be shared.
public struct Socket: ~Copyable {
    /// The messaging patterns that Sluice uses.
    public enum Kind: Sendable {
        /// See <https://libzmq.readthedocs.io/en/latest/zmq_socket.html>.
        case pub, sub, xpub, push, pull, router, dealer, req, rep, pair

        var number: CInt {
            switch self {
            case .pub: ZMQ_PUB
            case .sub: ZMQ_SUB
            case .xpub: ZMQ_XPUB
            case .push: ZMQ_PUSH
            case .pull: ZMQ_PULL
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .req: ZMQ_REQ
            case .rep: ZMQ_REP
            case .pair: ZMQ_PAIR
            }
        }
    }

    /// The numeric options that Sluice sets.
    public enum Option: Sendable {
        /// The time to keep unsent messages after the socket is closed, in milliseconds; −1 for no limit.
        case linger
        /// The maximum number of messages queued for sending to one peer.
        case sendHighWaterMark
        /// The maximum number of messages queued from one peer.
        case receiveHighWaterMark
        /// The maximum time that a send waits, in milliseconds; −1 for no limit.
        case sendTimeout
        /// The maximum time that a receive waits, in milliseconds; −1 for no limit.
        case receiveTimeout
        /// 1: messages are queued only for connected peers.
        case immediate
        /// 1: IPv6 addresses are accepted too.
        case ipv6
        /// 1: at the high-water mark, an XPUB socket waits instead of dropping messages.
        case publisherWaits
        /// 1: an XPUB socket reports every subscription, not only the first one to a topic.
        case everySubscription
        /// The largest frame to receive, in bytes; −1 for no limit. A peer that sends a larger frame is disconnected.
        case maximumMessageSize
        /// The maximum time for a handshake, in milliseconds; 0 for no limit.
        case handshakeInterval
        /// The delay before reconnecting a broken connection, in milliseconds; −1 to give up.
        case reconnectInterval
        /// The time between two heartbeats, in milliseconds; 0 for no heartbeats.
        case heartbeatInterval
        /// The maximum time until a heartbeat is answered, in milliseconds.
        case heartbeatTimeout
        /// The time without progress after which a TCP connection ends, in milliseconds.
        case transmissionTimeout
        /// 1: the kernel probes whether a silent peer is still there.
        case keepalive
        /// The time of silence before the kernel's first probe, in seconds.
        case keepaliveIdle
        /// The time between two probes, in seconds.
        case keepaliveInterval
        /// The number of unanswered probes after which the connection ends.
        case keepaliveCount

        var number: CInt {
            switch self {
            case .linger: ZMQ_LINGER
            case .sendHighWaterMark: ZMQ_SNDHWM
            case .receiveHighWaterMark: ZMQ_RCVHWM
            case .sendTimeout: ZMQ_SNDTIMEO
            case .receiveTimeout: ZMQ_RCVTIMEO
            case .immediate: ZMQ_IMMEDIATE
            case .ipv6: ZMQ_IPV6
            case .publisherWaits: ZMQ_XPUB_NODROP
            case .everySubscription: ZMQ_XPUB_VERBOSE
            case .maximumMessageSize: ZMQ_MAXMSGSIZE
            case .handshakeInterval: ZMQ_HANDSHAKE_IVL
            case .reconnectInterval: ZMQ_RECONNECT_IVL
            case .heartbeatInterval: ZMQ_HEARTBEAT_IVL
            case .heartbeatTimeout: ZMQ_HEARTBEAT_TIMEOUT
            case .transmissionTimeout: ZMQ_TCP_MAXRT
            case .keepalive: ZMQ_TCP_KEEPALIVE
            case .keepaliveIdle: ZMQ_TCP_KEEPALIVE_IDLE
            case .keepaliveInterval: ZMQ_TCP_KEEPALIVE_INTVL
            case .keepaliveCount: ZMQ_TCP_KEEPALIVE_CNT
            }
        }
    }

    let handle: SocketHandle

    /// Opens a socket.
    ///
    /// - Throws: ``ZeroMQError`` if the context has reached its limit on sockets.
    public init(_ kind: Kind, in context: Context) throws(ZeroMQError) {
        handle = try SocketHandle(kind.number, in: context)
    }

    /// Sets an option.
    ///
    /// - Throws: ``ZeroMQError`` if the socket does not accept the value.
    public func set(_ option: Option, to value: Int) throws(ZeroMQError) {
        // Only this option has 64 bits.
        if case .maximumMessageSize = option { return try set(option, Int64(value)) }
        try set(option, CInt(clamping: value))
    }

    private func set<Number: FixedWidthInteger & BitwiseCopyable>(
        _ option: Option, _ value: Number
    ) throws(ZeroMQError) {
        var number = value
        _ = try checked("set an option to", "\(value)") {
            unsafe zmq_setsockopt(handle.pointer, option.number, &number, MemoryLayout<Number>.size)
        }
    }

    /// Subscribes a SUB socket to all messages whose first frame begins with a prefix. An empty prefix selects every
    /// message.
    ///
    /// - Throws: ``ZeroMQError`` if the socket is not a SUB socket.
    public func subscribe(_ prefix: String) throws(ZeroMQError) {
        var prefix = prefix
        _ = try checked("subscribe to", prefix) {
            prefix.withUTF8 {
                unsafe zmq_setsockopt(handle.pointer, ZMQ_SUBSCRIBE, $0.baseAddress, $0.count)
            }
        }
    }

    /// Removes a subscription of a SUB socket.
    ///
    /// - Throws: ``ZeroMQError`` if the socket has no such subscription.
    public func unsubscribe(_ prefix: String) throws(ZeroMQError) {
        var prefix = prefix
        _ = try checked("unsubscribe from", prefix) {
            prefix.withUTF8 {
                unsafe zmq_setsockopt(handle.pointer, ZMQ_UNSUBSCRIBE, $0.baseAddress, $0.count)
            }
        }
    }

    /// Binds the socket to an endpoint or connects it.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - attachment: The choice between binding and connecting, used if the endpoint leaves the choice open.
    /// - Throws: ``ZeroMQError``, for example if the address is in use.
    public func attach(to endpoint: Endpoint, otherwise attachment: Endpoint.Attachment) throws(ZeroMQError) {
        let address = endpoint.address
        // Set only if needed: on a machine without IPv6, a socket with this option cannot reach IPv4 addresses either.
        if address.contains("[") { try set(.ipv6, to: 1) }
        switch endpoint.attachment ?? attachment {
        case .bind:
            // Refuse the path of a Unix socket that is in use: libzmq would take over the path without either process
            // noticing.
            if endpoint.ipcPath != nil, endpoint.isInUse {
                throw ZeroMQError(code: EADDRINUSE, operation: "bind", context: address)
            }
            let numeric = endpoint.numericAddress
            _ = try checked("bind", address) { unsafe zmq_bind(handle.pointer, numeric) }
        case .connect: _ = try checked("connect to", address) { unsafe zmq_connect(handle.pointer, address) }
        }
    }

    /// Whether the socket encrypts its messages with CURVE.
    public var isCurve: Bool {
        var mechanism: CInt = 0
        var length = MemoryLayout<CInt>.size
        let result = unsafe zmq_getsockopt(handle.pointer, ZMQ_MECHANISM, &mechanism, &length)
        return result == 0 && mechanism == ZMQ_CURVE
    }

    /// Disconnects and connects again. Messages that arrived over the old connection but have not been received are
    /// lost.
    ///
    /// - Parameter endpoint: The endpoint that the socket is connected to.
    /// - Throws: ``ZeroMQError`` if the socket is not connected to the endpoint.
    public func reconnect(to endpoint: Endpoint) throws(ZeroMQError) {
        _ = try checked("disconnect from", endpoint.address) {
            unsafe zmq_disconnect(handle.pointer, endpoint.address)
        }
        try attach(to: endpoint, otherwise: .connect)
    }

    /// Returns the address that was last bound or connected, with its actual port.
    ///
    /// - Throws: ``ZeroMQError`` if the address is not available.
    public func lastAddress() throws(ZeroMQError) -> String {
        // No address is this long: an `ipc://` path has at most 108 bytes.
        var bytes = [CChar](repeating: 0, count: 1024)
        var count = bytes.count
        _ = try checked("read the last endpoint") {
            unsafe zmq_getsockopt(handle.pointer, ZMQ_LAST_ENDPOINT, &bytes, &count)
        }
        return String(decoding: bytes.prefix(max(0, count - 1)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Waits until a message can be sent. With ``Option/immediate``, this requires a connected peer.
    ///
    /// - Parameter milliseconds: The maximum time to wait.
    /// - Returns: Whether a message can be sent.
    /// - Throws: ``ZeroMQError`` if the socket cannot be polled.
    public func waitUntilWritable(milliseconds: Int) throws(ZeroMQError) -> Bool {
        var item = unsafe zmq_pollitem_t(socket: handle.pointer, fd: 0, events: CShort(ZMQ_POLLOUT), revents: 0)
        return try checked("poll") { unsafe zmq_poll(&item, 1, milliseconds) } == 1
    }

    /// Receives one frame.
    ///
    /// - Parameters:
    ///   - message: The destination of the frame.
    ///   - wait: Whether to wait for a frame, for at most ``Option/receiveTimeout``.
    /// - Returns: Whether a frame arrived.
    /// - Throws: ``ZeroMQError`` if the socket cannot receive.
    public func receive(into message: inout Message, wait: Bool) throws(ZeroMQError) -> Bool {
        let pointer = unsafe message.pointer
        // libzmq empties the message even if no frame arrives.
        message.byteCount = 0
        let result = try checked("receive") {
            unsafe zmq_msg_recv(pointer, handle.pointer, wait ? 0 : ZMQ_DONTWAIT)
        }
        guard let result else {
            handle.isKnownEmpty = true
            return false
        }
        // If the result is the largest CInt, the frame may be even longer.
        message.byteCount = unsafe result == .max ? zmq_msg_size(pointer) : Int(result)
        return true
    }

    /// Sends one frame.
    ///
    /// - Parameters:
    ///   - bytes: The frame. It is copied.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room in the queue, for at most ``Option/sendTimeout``.
    /// - Returns: Whether the frame was accepted. A publisher also accepts a frame that it drops.
    /// - Throws: ``ZeroMQError`` if the socket cannot send.
    @discardableResult
    public func send(_ bytes: Span<UInt8>, more: Bool = false, wait: Bool) throws(ZeroMQError) -> Bool {
        let flags = (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
        return try checked("send") {
            unsafe bytes.withUnsafeBufferPointer {
                unsafe zmq_send(handle.pointer, $0.baseAddress, $0.count, flags)
            }
        } != nil
    }

    /// Sends a received frame without copying it.
    ///
    /// - Parameters:
    ///   - message: The frame. If the socket accepts it, the message is empty afterwards.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room in the queue, for at most ``Option/sendTimeout``.
    /// - Returns: Whether the frame was accepted. A publisher also accepts a frame that it drops.
    /// - Throws: ``ZeroMQError`` if the socket cannot send.
    @discardableResult
    public func forward(_ message: inout Message, more: Bool, wait: Bool) throws(ZeroMQError) -> Bool {
        let flags = (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
        let pointer = unsafe message.pointer
        let result = try checked("send") { unsafe zmq_msg_send(pointer, handle.pointer, flags) }
        guard result != nil else { return false }
        message.byteCount = 0
        return true
    }

    /// Receives a whole message. Use this only where speed does not matter.
    ///
    /// - Parameter wait: Whether to wait for a message, for at most ``Option/receiveTimeout``.
    /// - Returns: The message's frames; nil if no message arrived.
    /// - Throws: ``ZeroMQError`` if the socket cannot receive.
    public func receiveFrames(wait: Bool) throws(ZeroMQError) -> [[UInt8]]? {
        var message = Message()
        var frames: [[UInt8]] = []
        repeat {
            // The frames of a message arrive together, so the rest are available as soon as the first is.
            guard try receive(into: &message, wait: wait || !frames.isEmpty) else { return nil }
            frames.append(Array(copying: message.bytes))
        } while message.hasMore
        return frames
    }

    /// Sends a whole message. Use this only where speed does not matter.
    ///
    /// - Parameters:
    ///   - frames: One or more frames.
    ///   - wait: Whether to wait for room in the queue, for at most ``Option/sendTimeout``.
    /// - Returns: Whether the message was accepted. A publisher also accepts a message that it drops.
    /// - Throws: ``ZeroMQError`` if the socket cannot send.
    @discardableResult
    public func sendFrames(_ frames: [[UInt8]], wait: Bool) throws(ZeroMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(frame.span, more: index < frames.count - 1, wait: wait) else { return false }
        }
        return true
    }
}

/// A libzmq socket, shared by its owner and the pollers that watch it. It is closed when the last of them releases it.
@safe
final class SocketHandle {
    private let socket: UnsafeMutableRawPointer
    private let emptiness = Atomic(false)
    /// Keeps the context alive for as long as the socket exists.
    let context: Context

    init(_ kind: CInt, in context: Context) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_socket(context.pointer, kind) else { throw .last("open a socket") }
        unsafe socket = pointer
        self.context = context
    }

    deinit {
        unsafe zmq_close(socket)
    }

    /// Whether the socket was empty at the last check and has not been used since. If so, the descriptor will signal
    /// every new message.
    ///
    /// The storage is atomic only for speed; one thread owns the socket. With a stored `var` in a class, each call to
    /// libzmq would also perform a run-time check for exclusive access.
    var isKnownEmpty: Bool {
        get { emptiness.load(ordering: .relaxed) }
        set { emptiness.store(newValue, ordering: .relaxed) }
    }

    /// libzmq's socket. Reading this property resets ``isKnownEmpty``, because the call that follows may consume a
    /// signal of the descriptor.
    var pointer: UnsafeMutableRawPointer {
        isKnownEmpty = false
        return unsafe socket
    }
}

extension [UInt8] {
    /// Creates an array with a copy of the span's bytes.
    public init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}

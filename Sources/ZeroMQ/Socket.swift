import CZeroMQ
import Glibc
import Synchronization

/// A ZeroMQ socket. A socket has one owner and one thread, because libzmq's sockets must not be shared.
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
        /// Milliseconds to keep unsent messages after closing the socket; −1 for no limit.
        case linger
        /// The maximum number of messages that wait to be sent to one peer.
        case sendHighWaterMark
        /// The maximum number of messages that wait to be received from one peer.
        case receiveHighWaterMark
        /// Milliseconds that a sender waits; −1 for no limit.
        case sendTimeout
        /// Milliseconds that a receiver waits; −1 for no limit.
        case receiveTimeout
        /// 1: queue messages only for connected peers.
        case immediate
        /// 1: accept IPv6 addresses too.
        case ipv6
        /// 1: an XPUB waits at the high-water mark instead of dropping.
        case publisherWaits
        /// 1: an XPUB reports every subscription, not only the first to a topic.
        case everySubscription
        /// The largest frame to receive, in bytes. A peer that sends a larger frame is disconnected. −1 for no limit.
        case maximumMessageSize
        /// Milliseconds that a handshake may take; 0 for no limit.
        case handshakeInterval
        /// Milliseconds before reconnecting a broken connection; −1 to give up.
        case reconnectInterval
        /// Milliseconds between two heartbeats; 0 for none.
        case heartbeatInterval
        /// Milliseconds that the answer to a heartbeat may take.
        case heartbeatTimeout
        /// Milliseconds without progress on a TCP connection before the connection ends.
        case transmissionTimeout
        /// 1: the kernel checks whether silent peers are still there.
        case keepalive
        /// Seconds of silence before the kernel's first probe.
        case keepaliveIdle
        /// Seconds between two probes.
        case keepaliveInterval
        /// Unanswered probes before the connection ends.
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
    /// - Throws: ``ZeroMQError`` if the context has reached its limit of sockets.
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

    /// Subscribes a SUB socket to messages whose first frame has a prefix; an empty prefix selects all.
    ///
    /// - Throws: ``ZeroMQError`` if the socket is not a SUB.
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

    /// Binds or connects.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - attachment: The choice between binding and connecting if the endpoint leaves it open.
    /// - Throws: ``ZeroMQError``, such as for an address in use.
    public func attach(to endpoint: Endpoint, otherwise attachment: Endpoint.Attachment) throws(ZeroMQError) {
        let address = endpoint.address
        // Only on demand: on a machine without IPv6, an IPv6 socket cannot reach IPv4 addresses either.
        if address.contains("[") { try set(.ipv6, to: 1) }
        switch endpoint.attachment ?? attachment {
        case .bind:
            // libzmq takes over the path of a Unix socket, and neither side learns of it.
            if endpoint.ipcPath != nil, endpoint.isInUse {
                throw ZeroMQError(code: EADDRINUSE, operation: "bind", context: address)
            }
            let numeric = endpoint.numericAddress
            _ = try checked("bind", address) { unsafe zmq_bind(handle.pointer, numeric) }
        case .connect: _ = try checked("connect to", address) { unsafe zmq_connect(handle.pointer, address) }
        }
    }

    /// Whether CURVE encrypts the messages.
    public var isCurve: Bool {
        var mechanism: CInt = 0
        var length = MemoryLayout<CInt>.size
        let result = unsafe zmq_getsockopt(handle.pointer, ZMQ_MECHANISM, &mechanism, &length)
        return result == 0 && mechanism == ZMQ_CURVE
    }

    /// Connects again. Messages that arrived over the old connection and have not been received are lost.
    ///
    /// - Parameter endpoint: The endpoint that the socket is connected to.
    /// - Throws: ``ZeroMQError`` if the socket is not connected to it.
    public func reconnect(to endpoint: Endpoint) throws(ZeroMQError) {
        _ = try checked("disconnect from", endpoint.address) {
            unsafe zmq_disconnect(handle.pointer, endpoint.address)
        }
        try attach(to: endpoint, otherwise: .connect)
    }

    /// Returns the last address that was bound or connected, with its port resolved.
    ///
    /// - Throws: ``ZeroMQError`` if the address is not available.
    public func lastAddress() throws(ZeroMQError) -> String {
        // Longer than any address: an ipc path has at most 108 bytes.
        var bytes = [CChar](repeating: 0, count: 1024)
        var count = bytes.count
        _ = try checked("read the last endpoint") {
            unsafe zmq_getsockopt(handle.pointer, ZMQ_LAST_ENDPOINT, &bytes, &count)
        }
        return String(decoding: bytes.prefix(max(0, count - 1)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Waits until a message could be sent. With ``Option/immediate``, waits until a peer is connected.
    ///
    /// - Parameter milliseconds: The maximum time.
    /// - Returns: Whether a message can be sent.
    /// - Throws: ``ZeroMQError`` if the socket cannot be polled.
    public func waitUntilWritable(milliseconds: Int) throws(ZeroMQError) -> Bool {
        var item = unsafe zmq_pollitem_t(socket: handle.pointer, fd: 0, events: CShort(ZMQ_POLLOUT), revents: 0)
        return try checked("poll") { unsafe zmq_poll(&item, 1, milliseconds) } == 1
    }

    /// Receives one frame.
    ///
    /// - Parameters:
    ///   - message: Receives the frame.
    ///   - wait: Whether to wait for a frame, at most for ``Option/receiveTimeout``.
    /// - Returns: Whether a frame arrived.
    /// - Throws: ``ZeroMQError`` if the socket cannot receive.
    public func receive(into message: inout Message, wait: Bool) throws(ZeroMQError) -> Bool {
        let pointer = unsafe message.pointer
        // libzmq empties the message even if there is no frame.
        message.byteCount = 0
        let result = try checked("receive") {
            unsafe zmq_msg_recv(pointer, handle.pointer, wait ? 0 : ZMQ_DONTWAIT)
        }
        guard let result else {
            handle.isKnownEmpty = true
            return false
        }
        // A length equal to the largest CInt may stand for a longer frame.
        message.byteCount = unsafe result == .max ? zmq_msg_size(pointer) : Int(result)
        return true
    }

    /// Sends one frame.
    ///
    /// - Parameters:
    ///   - bytes: The frame, which is copied.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room, at most for ``Option/sendTimeout``.
    /// - Returns: Whether the frame was accepted; true for a publisher that drops it.
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

    /// Sends a received frame without copying it. The message is empty afterwards.
    ///
    /// - Parameters:
    ///   - message: The frame; emptied if it was accepted.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room, at most for ``Option/sendTimeout``.
    /// - Returns: Whether the frame was accepted; true for a publisher that drops it.
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

    /// Receives a whole message. For uses where speed does not matter.
    ///
    /// - Parameter wait: Whether to wait for a message, at most for ``Option/receiveTimeout``.
    /// - Returns: The message's frames; nil if no message arrived.
    /// - Throws: ``ZeroMQError`` if the socket cannot receive.
    public func receiveFrames(wait: Bool) throws(ZeroMQError) -> [[UInt8]]? {
        var message = Message()
        var frames: [[UInt8]] = []
        repeat {
            // The frames of a message arrive together. After the first frame, the others are available at once.
            guard try receive(into: &message, wait: wait || !frames.isEmpty) else { return nil }
            frames.append(Array(copying: message.bytes))
        } while message.hasMore
        return frames
    }

    /// Sends a whole message. For uses where speed does not matter.
    ///
    /// - Parameters:
    ///   - frames: At least one frame.
    ///   - wait: Whether to wait for room, at most for ``Option/sendTimeout``.
    /// - Returns: Whether the message was accepted; true for a publisher that drops it.
    /// - Throws: ``ZeroMQError`` if the socket cannot send.
    @discardableResult
    public func sendFrames(_ frames: [[UInt8]], wait: Bool) throws(ZeroMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(frame.span, more: index < frames.count - 1, wait: wait) else { return false }
        }
        return true
    }
}

/// A libzmq socket, shared by its owner and the pollers that watch it. The last of them to be released closes the
/// socket.
@safe
final class SocketHandle {
    private let socket: UnsafeMutableRawPointer
    private let emptiness = Atomic(false)
    /// Keeps the context alive longer than the socket.
    let context: Context

    init(_ kind: CInt, in context: Context) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_socket(context.pointer, kind) else { throw .last("open a socket") }
        unsafe socket = pointer
        self.context = context
    }

    deinit {
        unsafe zmq_close(socket)
    }

    /// Whether the socket was empty at the last check and has not been used since. If so, the descriptor signals every
    /// new message.
    ///
    /// The storage is atomic for speed only: one thread owns the socket. With a stored `var` of a class, each call of
    /// libzmq would also pay for a run-time check of exclusive access.
    var isKnownEmpty: Bool {
        get { emptiness.load(ordering: .relaxed) }
        set { emptiness.store(newValue, ordering: .relaxed) }
    }

    /// libzmq's socket. Reading this resets ``isKnownEmpty``, because the use may consume a signal of the descriptor.
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

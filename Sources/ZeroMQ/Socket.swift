import CZeroMQ
import Glibc
import Synchronization

/// A ZeroMQ socket. One owner, one thread: libzmq's sockets must not be shared.
public struct Socket: ~Copyable {
    /// The messaging patterns that Sluice speaks.
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

    /// The options that Sluice sets, each a number.
    public enum Option: Sendable {
        /// Milliseconds that unsent messages live on after the socket was closed; −1: for ever.
        case linger
        /// Messages that may wait to be sent to one peer.
        case sendHighWaterMark
        /// Messages that may wait to be received from one peer.
        case receiveHighWaterMark
        /// Milliseconds that a sender waits; −1: for ever.
        case sendTimeout
        /// Milliseconds that a receiver waits; −1: for ever.
        case receiveTimeout
        /// 1: queue messages only for peers that are there.
        case immediate
        /// 1: take addresses of IPv6 too.
        case ipv6
        /// 1: an XPUB waits at the high-water mark, where it would otherwise drop.
        case publisherWaits
        /// 1: an XPUB hears of every subscription, not only of the first to a topic.
        case everySubscription
        /// The most bytes of a frame that is received; who sends more is disconnected. −1: any number.
        case maximumMessageSize
        /// Milliseconds that a handshake may take; 0: for ever.
        case handshakeInterval
        /// Milliseconds before a connection that broke is made again; −1: it is not.
        case reconnectInterval
        /// Milliseconds from one heartbeat to the next; 0: none.
        case heartbeatInterval
        /// Milliseconds that the answer to a heartbeat may take.
        case heartbeatTimeout
        /// Milliseconds for which a peer may take nothing of what was sent over TCP before its connection ends.
        case transmissionTimeout
        /// 1: the kernel sees whether silent peers are still there.
        case keepalive
        /// Seconds of silence before the kernel asks.
        case keepaliveIdle
        /// Seconds from one question to the next.
        case keepaliveInterval
        /// Questions without an answer before the connection ends.
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
    /// - Throws: ``ZeroMQError`` where the context may open no more sockets.
    public init(_ kind: Kind, in context: Context) throws(ZeroMQError) {
        handle = try SocketHandle(kind.number, in: context)
    }

    /// Sets an option.
    ///
    /// - Throws: ``ZeroMQError`` where the socket does not take the value.
    public func set(_ option: Option, to value: Int) throws(ZeroMQError) {
        // This one alone has 64 bits.
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

    /// Takes messages whose first frame begins so; empty: all. For SUB.
    ///
    /// - Throws: ``ZeroMQError`` where the socket is no SUB.
    public func subscribe(_ prefix: String) throws(ZeroMQError) {
        var prefix = prefix
        _ = try checked("subscribe to", prefix) {
            prefix.withUTF8 {
                unsafe zmq_setsockopt(handle.pointer, ZMQ_SUBSCRIBE, $0.baseAddress, $0.count)
            }
        }
    }

    /// Takes messages whose first frame begins so no longer. For SUB.
    ///
    /// - Throws: ``ZeroMQError`` where the socket has no such subscription.
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
    ///   - endpoint: Where.
    ///   - attachment: What to do where the endpoint leaves it open.
    /// - Throws: ``ZeroMQError``, as where the address is in use.
    public func attach(to endpoint: Endpoint, otherwise attachment: Endpoint.Attachment) throws(ZeroMQError) {
        let address = endpoint.address
        // Only where it is asked for: without IPv6 on the machine, a socket that has it reaches no IPv4 address either.
        if address.contains("[") { try set(.ipv6, to: 1) }
        switch endpoint.attachment ?? attachment {
        case .bind:
            if let path = endpoint.ipcPath, isListening(atUnixSocket: path) {
                throw ZeroMQError(code: EADDRINUSE, operation: "bind", context: address)
            }
            _ = try checked("bind", address) { unsafe zmq_bind(handle.pointer, address) }
        case .connect: _ = try checked("connect to", address) { unsafe zmq_connect(handle.pointer, address) }
        }
    }

    /// Whether messages are encrypted by CURVE.
    public var isCurve: Bool {
        var mechanism: CInt = 0
        var length = MemoryLayout<CInt>.size
        let result = unsafe zmq_getsockopt(handle.pointer, ZMQ_MECHANISM, &mechanism, &length)
        return result == 0 && mechanism == ZMQ_CURVE
    }

    /// Connects anew: what has come over the old connection and was not received is lost.
    ///
    /// - Parameter endpoint: Where the socket is connected to.
    /// - Throws: ``ZeroMQError`` where it is not.
    public func reconnect(to endpoint: Endpoint) throws(ZeroMQError) {
        _ = try checked("disconnect from", endpoint.address) {
            unsafe zmq_disconnect(handle.pointer, endpoint.address)
        }
        try attach(to: endpoint, otherwise: .connect)
    }

    /// The address that was bound or connected last, a port `*` resolved.
    ///
    /// - Throws: ``ZeroMQError`` where it cannot be told.
    public func lastAddress() throws(ZeroMQError) -> String {
        // Longer than any address: an ipc path has at most 108 bytes.
        var bytes = [CChar](repeating: 0, count: 1024)
        var count = bytes.count
        _ = try checked("read the last endpoint") {
            unsafe zmq_getsockopt(handle.pointer, ZMQ_LAST_ENDPOINT, &bytes, &count)
        }
        return String(decoding: bytes.prefix(max(0, count - 1)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Waits until a message could be sent: with ``Option/immediate``, until a peer is there.
    ///
    /// - Parameter milliseconds: How long at most.
    /// - Returns: Whether one could.
    /// - Throws: ``ZeroMQError`` where the socket cannot be polled.
    public func waitUntilWritable(milliseconds: Int) throws(ZeroMQError) -> Bool {
        var item = unsafe zmq_pollitem_t(socket: handle.pointer, fd: 0, events: CShort(ZMQ_POLLOUT), revents: 0)
        return try checked("poll") { unsafe zmq_poll(&item, 1, milliseconds) } == 1
    }

    /// Receives one frame.
    ///
    /// - Parameters:
    ///   - message: Replaced by the frame.
    ///   - wait: Whether to wait for one, at most as long as ``Option/receiveTimeout`` says.
    /// - Returns: Whether a frame came.
    /// - Throws: ``ZeroMQError`` where the socket cannot receive.
    public func receive(into message: inout Message, wait: Bool) throws(ZeroMQError) -> Bool {
        let pointer = unsafe message.pointer
        // libzmq empties the message even where there is no frame for it.
        message.byteCount = 0
        let result = try checked("receive") {
            unsafe zmq_msg_recv(pointer, handle.pointer, wait ? 0 : ZMQ_DONTWAIT)
        }
        guard let result else {
            handle.isKnownEmpty = true
            return false
        }
        // What is as large as the largest CInt may be larger.
        message.byteCount = unsafe result == .max ? zmq_msg_size(pointer) : Int(result)
        return true
    }

    /// Sends one frame.
    ///
    /// - Parameters:
    ///   - bytes: The frame, copied.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room, at most as long as ``Option/sendTimeout`` says.
    /// - Returns: Whether it was taken; a publisher that drops says true.
    /// - Throws: ``ZeroMQError`` where the socket cannot send.
    @discardableResult
    public func send(_ bytes: Span<UInt8>, more: Bool = false, wait: Bool) throws(ZeroMQError) -> Bool {
        let flags = (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
        return try checked("send") {
            unsafe bytes.withUnsafeBufferPointer {
                unsafe zmq_send(handle.pointer, $0.baseAddress, $0.count, flags)
            }
        } != nil
    }

    /// Sends a frame that was received, without copying it. The message is empty afterwards.
    ///
    /// - Parameters:
    ///   - message: The frame; emptied where it was taken.
    ///   - more: Whether another frame of the same message follows.
    ///   - wait: Whether to wait for room, at most as long as ``Option/sendTimeout`` says.
    /// - Returns: Whether it was taken; a publisher that drops says true.
    /// - Throws: ``ZeroMQError`` where the socket cannot send.
    @discardableResult
    public func forward(_ message: inout Message, more: Bool, wait: Bool) throws(ZeroMQError) -> Bool {
        let flags = (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
        let pointer = unsafe message.pointer
        let result = try checked("send") { unsafe zmq_msg_send(pointer, handle.pointer, flags) }
        guard result != nil else { return false }
        message.byteCount = 0
        return true
    }

    /// Receives a whole message, for where speed does not matter.
    ///
    /// - Parameter wait: Whether to wait for one, at most as long as ``Option/receiveTimeout`` says.
    /// - Returns: Its frames, or nil where none came.
    /// - Throws: ``ZeroMQError`` where the socket cannot receive.
    public func receiveFrames(wait: Bool) throws(ZeroMQError) -> [[UInt8]]? {
        var message = Message()
        var frames: [[UInt8]] = []
        repeat {
            // Frames of one message come together: once the first is there, the others are too.
            guard try receive(into: &message, wait: wait || !frames.isEmpty) else { return nil }
            frames.append(Array(copying: message.bytes))
        } while message.hasMore
        return frames
    }

    /// Sends a whole message, for where speed does not matter.
    ///
    /// - Parameters:
    ///   - frames: At least one.
    ///   - wait: Whether to wait for room, at most as long as ``Option/sendTimeout`` says.
    /// - Returns: Whether it was taken; a publisher that drops says true.
    /// - Throws: ``ZeroMQError`` where the socket cannot send.
    @discardableResult
    public func sendFrames(_ frames: [[UInt8]], wait: Bool) throws(ZeroMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(frame.span, more: index < frames.count - 1, wait: wait) else { return false }
        }
        return true
    }
}

/// What a socket and the pollers that watch it share; the last of them closes it.
@safe
final class SocketHandle {
    private let socket: UnsafeMutableRawPointer
    private let emptiness = Atomic(false)
    /// Held so that no socket outlives its context.
    let context: Context

    init(_ kind: CInt, in context: Context) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_socket(context.pointer, kind) else { throw .last("open a socket") }
        unsafe socket = pointer
        self.context = context
    }

    deinit {
        unsafe zmq_close(socket)
    }

    /// Whether the socket had nothing to read at the last look and was not used since. Then its descriptor announces whatever comes.
    ///
    /// One thread owns the socket, so the atomic is not for other threads. It spares each call of libzmq the run-time check of
    /// exclusive access that a class's stored `var` needs.
    var isKnownEmpty: Bool {
        get { emptiness.load(ordering: .relaxed) }
        set { emptiness.store(newValue, ordering: .relaxed) }
    }

    /// libzmq's socket, for a call that may read what its descriptor announced.
    var pointer: UnsafeMutableRawPointer {
        isKnownEmpty = false
        return unsafe socket
    }
}

extension [UInt8] {
    /// The span's bytes as an array of their own.
    public init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}

import Wire
import ZeroMQ

/// The sender of a request, which also receives the reply.
enum Controller: Hashable, Sendable {
    /// A peer of the control socket, identified by its routing id.
    case peer([UInt8])
    /// A page, identified by its call.
    case page(PageCall)
}

/// A received request whose JSON has not been read yet.
struct RawRequest: Sendable {
    /// The maximum size of a request that the hot loop itself reads, in bytes. Reading a request of this size takes a
    /// few microseconds.
    static let maximumBytesReadInLoop = 4096

    let controller: Controller
    /// Whether the request began with the empty frame of a REQ socket. If so, the reply must too.
    let hasDelimiter: Bool
    /// The frames after the address and the delimiter, at most two. A valid request has one frame, so two are enough to
    /// detect an error.
    let body: [[UInt8]]

    /// The size of the request in bytes, which counts towards the limits on waiting requests.
    var byteCount: Int {
        let id = if case .peer(let peer) = controller { peer.count } else { 0 }
        return body.reduce(id) { $0 + $1.count }
    }
    var isLarge: Bool { byteCount > Self.maximumBytesReadInLoop }
}

/// The socket that receives control requests. The hot loop owns it.
struct ControlServer: ~Copyable {
    /// The destination and format of a reply.
    struct ReturnAddress: Sendable {
        let controller: Controller
        /// Whether the request began with the empty frame of a REQ socket. If so, the reply must too.
        let hasDelimiter: Bool
        /// The request's id; null if it could not be read.
        let id: JSONValue
        /// The size of the request in bytes, which counts towards the limits until the request is answered.
        let byteCount: Int
    }

    /// The maximum number of replies queued for one controller. A reply may be several megabytes in size.
    private static let waitingReplies = RequestQueue.maximumUnanswered
    /// The maximum number of surplus frames of a message that one turn of the loop discards.
    private static let framesPerTurn = 10_000

    let endpoint: Endpoint
    let socket: Socket
    private var frame = Message()
    /// Whether surplus frames of the last message must still be discarded. No valid request has surplus frames.
    private var hasSurplus = false

    init(_ endpoint: Endpoint, in context: Context, by access: AccessGuard) throws(ZeroMQError) {
        let socket = try Socket(.router, in: context)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try socket.set(.sendHighWaterMark, to: Self.waitingReplies)
        try access.prepare(socket, for: .control, at: endpoint)
        try bindingPrivately { () throws(ZeroMQError) in try socket.attach(to: endpoint, otherwise: .bind) }
        self.endpoint = try socket.resolved(endpoint)
        self.socket = socket
    }

    /// Receives the next request, if there is one. An oversized frame is cut off one byte beyond the maximum size of a
    /// request, so that the reader detects the error.
    ///
    /// - Throws: `ZeroMQError` if the socket cannot receive.
    mutating func receive() throws(ZeroMQError) -> RawRequest? {
        guard try skipSurplus(), try socket.receive(into: &frame, wait: false) else { return nil }
        let peer = Array(copying: frame.bytes)
        var body: [[UInt8]] = []
        var hasDelimiter = false
        while frame.hasMore, body.count < 2 {
            // libzmq delivers all frames of a message together, so this call does not wait.
            _ = try socket.receive(into: &frame, wait: true)
            if body.isEmpty, !hasDelimiter, frame.bytes.isEmpty, frame.hasMore {
                hasDelimiter = true
            } else {
                let length = min(frame.bytes.count, ControlRequest.maximumLength + 1)
                body.append(Array(copying: frame.bytes.extracting(..<length)))
            }
        }
        hasSurplus = frame.hasMore
        return RawRequest(controller: .peer(peer), hasDelimiter: hasDelimiter, body: body)
    }

    /// Discards the rest of a message, but only a limited number of frames per call.
    ///
    /// - Returns: Whether the next frame begins a new message.
    private mutating func skipSurplus() throws(ZeroMQError) -> Bool {
        var count = 0
        while hasSurplus, count < Self.framesPerTurn {
            _ = try socket.receive(into: &frame, wait: true)
            hasSurplus = frame.hasMore
            count += 1
        }
        return !hasSurplus
    }

    /// Sends a reply. The reply is dropped if the peer is gone or does not read its replies.
    func send(_ reply: WrittenReply, to address: ReturnAddress) throws(ZeroMQError) {
        switch address.controller {
        case .peer(let peer):
            let delimiter: [[UInt8]] = address.hasDelimiter ? [[]] : []
            try socket.sendFrames([peer] + delimiter + [reply.json], wait: false)
        case .page(let call): call.succeed(reply.json)
        }
    }
}

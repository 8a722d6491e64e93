import Wire
import ZeroMQ

/// A received request whose JSON is not read yet.
struct RawRequest: Sendable {
    /// The maximum number of bytes in a request that the hot loop reads itself. Reading a request of this size takes
    /// some microseconds.
    static let maximumBytesReadInLoop = 4096

    /// The peer's routing id.
    let peer: [UInt8]
    /// Whether the request began with the empty frame of a REQ socket. If so, the reply does too.
    let hasDelimiter: Bool
    /// At most two frames after the address and the delimiter. A valid request has one frame. Two frames are therefore
    /// enough to detect an error.
    let body: [[UInt8]]

    /// The number of bytes that count towards the limits on waiting requests.
    var byteCount: Int { body.reduce(peer.count) { $0 + $1.count } }
    var isLarge: Bool { byteCount > Self.maximumBytesReadInLoop }
}

/// The socket that receives control requests. Owned by the hot loop.
struct ControlServer: ~Copyable {
    /// The destination and the form of a reply.
    struct ReturnAddress: Sendable {
        /// The peer's routing id.
        let peer: [UInt8]
        /// Whether the request began with the empty frame of a REQ socket. If so, the reply does too.
        let hasDelimiter: Bool
        /// The request's id; null if it could not be read.
        let id: JSONValue
        /// The request's size, which counts towards the limits until the request is answered.
        let byteCount: Int
    }

    /// The number of replies that may wait for one controller. A reply may take several megabytes.
    private static let waitingReplies = RequestQueue.maximumUnanswered
    /// The number of surplus frames of a message that one turn of the loop discards.
    private static let framesPerTurn = 10_000

    let endpoint: Endpoint
    let socket: Socket
    private var frame = Message()
    /// Whether the last message has surplus frames left, which no valid request has.
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

    /// Receives the next request, if there is one. Truncates an oversized frame to one byte more than the longest valid
    /// request, so that the reader detects the error.
    ///
    /// - Throws: `ZeroMQError` if the socket cannot receive.
    mutating func receive() throws(ZeroMQError) -> RawRequest? {
        guard try skipSurplus(), try socket.receive(into: &frame, wait: false) else { return nil }
        let peer = Array(copying: frame.bytes)
        var body: [[UInt8]] = []
        var hasDelimiter = false
        while frame.hasMore, body.count < 2 {
            // libzmq delivers all frames of a message together. This call therefore does not wait.
            _ = try socket.receive(into: &frame, wait: true)
            if body.isEmpty, !hasDelimiter, frame.bytes.isEmpty, frame.hasMore {
                hasDelimiter = true
            } else {
                let length = min(frame.bytes.count, ControlRequest.maximumLength + 1)
                body.append(Array(copying: frame.bytes.extracting(..<length)))
            }
        }
        hasSurplus = frame.hasMore
        return RawRequest(peer: peer, hasDelimiter: hasDelimiter, body: body)
    }

    /// Discards the rest of a message, a bounded number of frames per call.
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

    /// Sends a reply. The reply is dropped if the peer has gone or does not read its replies.
    func send(_ reply: WrittenReply, to address: ReturnAddress) throws(ZeroMQError) {
        let delimiter: [[UInt8]] = address.hasDelimiter ? [[]] : []
        try socket.sendFrames([address.peer] + delimiter + [reply.json], wait: false)
    }
}

import Wire
import ZeroMQ

/// A request as it came, before it is read.
struct RawRequest: Sendable {
    /// The most bytes of a request that is read on the hot loop: that takes some microseconds.
    static let maximumBytesReadInLoop = 4096

    /// The peer, as ROUTER names it.
    let peer: [UInt8]
    /// Whether the request came behind REQ's empty frame: the reply mirrors it.
    let hasDelimiter: Bool
    /// The frames behind the address and the delimiter: of more than two only the first two, since one is right.
    let body: [[UInt8]]

    /// All bytes, of which the bounds on waiting requests are made.
    var byteCount: Int { body.reduce(peer.count) { $0 + $1.count } }
    var isLarge: Bool { byteCount > Self.maximumBytesReadInLoop }
}

/// The socket that requests come in by. Owned by the hot loop.
struct ControlServer: ~Copyable {
    /// Whom a reply goes to, and in what form.
    struct ReturnAddress: Sendable {
        /// The peer, as ROUTER names it.
        let peer: [UInt8]
        /// Whether the request came behind REQ's empty frame: the reply mirrors it.
        let hasDelimiter: Bool
        /// The request's id; null where none could be read.
        let id: JSONValue
        /// The request's bytes, which count until it is answered.
        let byteCount: Int
    }

    /// Replies that wait for one controller to read them; a page has up to some megabytes.
    private static let waitingReplies = RequestQueue.maximumUnanswered
    /// Superfluous frames of one message that are thrown away in one turn of the loop.
    private static let framesPerTurn = 10_000

    let endpoint: Endpoint
    let socket: Socket
    private var frame = Message()
    /// The message taken last has more frames than any request.
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

    /// Takes the next request, if one is there. A frame that is longer than a request may be is cut behind that length.
    ///
    /// - Throws: `ZeroMQError` where the socket cannot receive.
    mutating func receive() throws(ZeroMQError) -> RawRequest? {
        guard try skipSurplus(), try socket.receive(into: &frame, wait: false) else { return nil }
        let peer = Array(copying: frame.bytes)
        var body: [[UInt8]] = []
        var hasDelimiter = false
        while frame.hasMore, body.count < 2 {
            // The frames of one message come together, so none of these waits.
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

    /// Throws away what is left of a message, a bounded number of frames.
    ///
    /// - Returns: Whether the next frame begins a message.
    private mutating func skipSurplus() throws(ZeroMQError) -> Bool {
        var count = 0
        while hasSurplus, count < Self.framesPerTurn {
            _ = try socket.receive(into: &frame, wait: true)
            hasSurplus = frame.hasMore
            count += 1
        }
        return !hasSurplus
    }

    /// Answers a request. A peer that has gone, or that does not take its answers, goes without.
    func send(_ reply: WrittenReply, to address: ReturnAddress) throws(ZeroMQError) {
        let delimiter: [[UInt8]] = address.hasDelimiter ? [[]] : []
        try socket.sendFrames([address.peer] + delimiter + [reply.json], wait: false)
    }
}

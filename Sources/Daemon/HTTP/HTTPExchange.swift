import NIOCore
import NIOHTTP1

/// The requests and answers on one connection. Requests are answered one at a time, each within a time limit.
final class HTTPExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The maximum number of headers in a request.
    private static let maximumHeaders = 100

    /// The state of a connection.
    private enum Phase {
        /// The connection waits for a request. The time limit exceeds the time between two scrapes, because Prometheus
        /// keeps its connection open.
        case idle
        /// The first byte of a request has arrived, but the request is not complete.
        case receiving
        /// The daemon is building the page, or the client is reading it.
        case answering
        /// The last answer has been sent, and the client has yet to close the connection.
        case closing

        var bound: TimeAmount {
            switch self {
            case .idle: .seconds(90)
            case .receiving, .answering: .seconds(5)
            case .closing: .seconds(1)
            }
        }
    }

    private let frames: HTTPHeadFrames
    private let pages: HTTPPages
    private let hosts: [String]
    private let connections: HTTPConnections
    private var phase = Phase.idle
    private var timeout: Scheduled<Void>?
    private var request: HTTPRequestHead?

    init(behind frames: HTTPHeadFrames, _ pages: HTTPPages, hosts: [String], in connections: HTTPConnections) {
        self.frames = frames
        self.pages = pages
        self.hosts = hosts
        self.connections = connections
    }

    // MARK: Events

    func channelActive(context: ChannelHandlerContext) {
        connections.add(context.channel)
        enter(.idle, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        connections.remove(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .receiving else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = head
            if let refusal = refusal(of: head) { refuse(refusal, context) }
        case .body: break
        case .end:
            guard let request else { return }
            answer(request, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case HTTPHeadFrames.Event.began: enter(.receiving, context)
        case HTTPHeadFrames.Event.ended:
            if phase == .receiving { refuse(.line(.badRequest, "the request is not valid HTTP/1.1"), context) }
        case HTTPHeadFrames.Event.overflowed:
            refuse(
                .line(
                    .requestHeaderFieldsTooLarge,
                    "the line and headers of a request may have at most \(HTTPHeadFrames.maximumHead) bytes"), context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of the decoder means that the request is malformed. Any other error means that the connection has
        // failed.
        guard error is HTTPParserError else { return context.close(promise: nil) }
        if phase == .receiving { refuse(.line(.badRequest, "the request is not valid HTTP/1.1"), context) }
    }

    // MARK: Requests and answers

    /// Returns the answer that refuses a malformed or unacceptable request; nil if the request may be answered.
    private func refusal(of head: HTTPRequestHead) -> HTTPAnswer? {
        guard head.version.major == 1 else {
            return .line(.httpVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are supported")
        }
        guard head.headers.count <= Self.maximumHeaders else {
            return .line(.requestHeaderFieldsTooLarge, "a request may have at most \(Self.maximumHeaders) headers")
        }
        let hasLength = head.headers[canonicalForm: "content-length"].contains { $0 != "0" }
        guard !hasLength, !head.headers.contains(name: "transfer-encoding") else {
            return .line(.payloadTooLarge, "no page accepts a request body")
        }
        let names = head.headers["host"]
        guard !names.isEmpty || head.version.minor == 0 else {
            return .line(.badRequest, "the header Host is missing")
        }
        guard let name = names.first else { return nil }
        guard names.count == 1, let host = HTTPHost(name) else {
            return .line(.badRequest, "the header Host is not a host name")
        }
        guard host.isAccepted(besides: hosts) else {
            return .line(
                .misdirectedRequest,
                "sluiced does not answer for '\(host.name)': start it with --http-host \(host.name), or use its address"
            )
        }
        return nil
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        enter(.answering, context)
        // After an upgrade, the decoder reads no more requests.
        let mustClose = !head.isKeepAlive || head.headers.contains(name: "upgrade") || head.method == .CONNECT
        pages.answer(head.method, Self.path(of: head.uri), on: context.eventLoop)
            .assumeIsolated().whenSuccess { [self] answer in
                guard context.channel.isActive, phase == .answering else { return }
                write(answer, isLast: mustClose, withoutBody: head.method == .HEAD, context)
            }
    }

    /// Sends a refusal and ends the connection.
    private func refuse(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        enter(.answering, context)
        write(answer, isLast: true, withoutBody: request?.method == .HEAD, context)
    }

    private func write(_ answer: HTTPAnswer, isLast: Bool, withoutBody: Bool, _ context: ChannelHandlerContext) {
        var headers = answer.headers
        let body = ByteBuffer(string: answer.body)
        headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        let isHTTP10 = request?.version.minor == 0
        if isLast { headers.add(name: "Connection", value: "close") }
        if isHTTP10, !isLast { headers.add(name: "Connection", value: "keep-alive") }
        let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        // An answer to HEAD has the same headers as an answer to GET, including `Content-Length`, but no body.
        if !withoutBody { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        request = nil
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenSuccess { [self] in
            if isLast { end(context) } else { goOn(context) }
        }
    }

    private func goOn(_ context: ChannelHandlerContext) {
        enter(.idle, context)
        // A direct call to `next` would nest the answers to pipelined requests.
        context.eventLoop.assumeIsolated().execute { [self] in frames.next() }
    }

    /// Ends the connection after its last answer.
    ///
    /// Any further bytes from the client are read and discarded. If they remained unread, the system would reset the
    /// connection and the client would lose the answer.
    private func end(_ context: ChannelHandlerContext) {
        enter(.closing, context)
        context.close(mode: .output, promise: nil)
        frames.discard()
    }

    private func enter(_ phase: Phase, _ context: ChannelHandlerContext) {
        self.phase = phase
        timeout?.cancel()
        connections.touch(context.channel)
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: phase.bound) { [self] in
            if self.phase == .receiving {
                refuse(.line(.requestTimeout, "the request was not complete within \(phase.bound.seconds) s"), context)
            } else {
                context.close(promise: nil)
            }
        }
    }

    /// Returns the path of a target such as `/path?query` or `http://host/path?query`.
    private static func path(of target: String) -> Substring {
        var path = target[...]
        if path.hasPrefix("http://") {
            let rest = path.dropFirst("http://".count)
            path = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        return path.prefix { $0 != "?" }
    }
}

extension TimeAmount {
    fileprivate var seconds: Int64 { nanoseconds / 1_000_000_000 }
}

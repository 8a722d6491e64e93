import NIOCore
import NIOHTTP1

/// The requests and answers on one connection. Requests are answered one at a time, each within a time limit.
final class HTTPExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The maximum number of headers in a request.
    private static let maximumHeaders = 100
    /// The headers of every answer. They limit a page to files and data of this server, and forbid inline scripts and
    /// styles. No page of another site may frame it, and no answer is cached.
    private static let safety: HTTPHeaders = [
        "Content-Security-Policy":
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
    ]

    /// The state of a connection.
    private enum Phase {
        /// The connection waits for a request. The time limit exceeds the time between two scrapes, because Prometheus
        /// keeps its connection open.
        case idle
        /// The first byte of a request has arrived, but the request is not complete.
        case receiving
        /// The site is building the answer.
        case working
        /// The client is reading the answer.
        case answering
        /// The answer is a stream of events.
        case streaming
        /// The last answer has been sent, and the client has yet to close the connection.
        case closing

        /// The time limit of the phase; nil if there is none.
        var bound: TimeAmount? {
            switch self {
            case .idle: .seconds(90)
            // Each page has its own, shorter limit.
            case .working: .seconds(60)
            case .receiving, .answering: .seconds(5)
            case .streaming: nil
            case .closing: .seconds(1)
            }
        }
    }

    private let frames: HTTPRequestFrames
    private let site: HTTPSite
    private let connections: HTTPConnections
    private var phase = Phase.idle
    private var timeout: Scheduled<Void>?
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(behind frames: HTTPRequestFrames, _ site: HTTPSite, in connections: HTTPConnections) {
        self.frames = frames
        self.site = site
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
            self.head = head
            body.clear()
            if let refusal = refusal(of: head) { return refuse(refusal, context) }
            if let length = Self.length(of: head), length > 0 { frames.passBody(length: length) }
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            answer(HTTPRequest(head, body: body, from: context.remoteAddress), context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case HTTPRequestFrames.Event.began: enter(.receiving, context)
        case HTTPRequestFrames.Event.ended:
            if phase == .receiving { refuse(.line(.badRequest, "the request is not valid HTTP/1.1"), context) }
        case HTTPRequestFrames.Event.hungUp:
            if phase == .streaming { context.close(promise: nil) }
        case HTTPRequestFrames.Event.overflowed:
            refuse(
                .line(
                    .requestHeaderFieldsTooLarge,
                    "the line and headers of a request may have at most \(HTTPRequestFrames.maximumHead) bytes"),
                context)
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
        if let refusal = refusalOfBody(head) { return refusal }
        let names = head.headers["host"]
        guard !names.isEmpty || head.version.minor == 0 else {
            return .line(.badRequest, "the header Host is missing")
        }
        guard let name = names.first else { return nil }
        guard names.count == 1, let host = HTTPHost(name) else {
            return .line(.badRequest, "the header Host is not a host name")
        }
        return site.refusal(of: host)
    }

    /// Returns the answer that refuses a body that the page does not accept; nil if the body or its absence is fine.
    private func refusalOfBody(_ head: HTTPRequestHead) -> HTTPAnswer? {
        let maximum = site.maximumBody(of: head)
        let isChunked = head.headers.contains(name: "transfer-encoding")
        guard maximum > 0 else {
            let hasLength = head.headers["content-length"].contains { $0 != "0" }
            return hasLength || isChunked ? .line(.payloadTooLarge, "this page accepts no request body") : nil
        }
        guard !isChunked, let length = Self.length(of: head) else {
            return .line(.lengthRequired, "the request needs one header Content-Length instead of a chunked body")
        }
        return length > maximum
            ? .line(.payloadTooLarge, "the body of this request may have at most \(maximum) bytes") : nil
    }

    /// Returns the length of a request's body; nil if the request does not state it.
    private static func length(of head: HTTPRequestHead) -> Int? {
        let lengths = head.headers["content-length"]
        return lengths.count == 1 ? Int(lengths[0]) : nil
    }

    private func answer(_ request: HTTPRequest, _ context: ChannelHandlerContext) {
        enter(.working, context)
        let head = request.head
        // After an upgrade, the decoder reads no more requests.
        let mustClose = !head.isKeepAlive || head.headers.contains(name: "upgrade") || head.method == .CONNECT
        site.answer(request, on: context.eventLoop).assumeIsolated().whenSuccess { [self] answer in
            guard context.channel.isActive, phase == .working else { return }
            switch answer.content {
            case .body(let body):
                write(answer, body, isLast: mustClose, context)
            case .events(let start):
                beginEvents(answer, start, context)
            }
        }
    }

    private func beginEvents(
        _ answer: HTTPAnswer, _ start: (HTTPEventStream) -> Void, _ context: ChannelHandlerContext
    ) {
        // A client of HTTP/1.0 does not understand chunks.
        guard head?.version.minor != 0 else {
            return refuse(.line(.httpVersionNotSupported, "events need HTTP/1.1"), context)
        }
        guard connections.beginStream(context.channel) else {
            return refuse(
                .line(
                    .serviceUnavailable,
                    "\(HTTPConnections.maximumStreams) streams of events are open; close a page and try again"), context
            )
        }
        enter(.streaming, context)
        let head = HTTPResponseHead(
            version: .http1_1, status: answer.status, headers: Self.safety.merged(with: answer.headers))
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        start(HTTPEventStream(context.channel))
    }

    /// Sends a refusal and ends the connection.
    private func refuse(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        guard case .body(let body) = answer.content else { return }
        write(answer, body, isLast: true, context)
    }

    private func write(_ answer: HTTPAnswer, _ body: ByteBuffer, isLast: Bool, _ context: ChannelHandlerContext) {
        enter(.answering, context)
        var headers = Self.safety.merged(with: answer.headers)
        headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        let isHTTP10 = head?.version.minor == 0
        if isLast { headers.add(name: "Connection", value: "close") }
        if isHTTP10, !isLast { headers.add(name: "Connection", value: "keep-alive") }
        let answerHead = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(answerHead)), promise: nil)
        // An answer to HEAD has the same headers as an answer to GET, including `Content-Length`, but no body.
        if head?.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        head = nil
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
        guard let bound = phase.bound else { return }
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: bound) { [self] in
            if self.phase == .receiving {
                refuse(.line(.requestTimeout, "the request was not complete within \(bound.seconds) s"), context)
            } else {
                context.close(promise: nil)
            }
        }
    }
}

extension HTTPHeaders {
    /// Returns these headers followed by others.
    fileprivate func merged(with others: HTTPHeaders) -> HTTPHeaders {
        var merged = self
        merged.add(contentsOf: others)
        return merged
    }
}

extension TimeAmount {
    fileprivate var seconds: Int64 { nanoseconds / 1_000_000_000 }
}

import NIOCore

/// Splits the bytes of a connection into requests, and passes them on one at a time.
///
/// A request is a head, with a body of known length if the later handlers ask for one. A request is passed on only after
/// the previous one has been answered. Until then, nothing is read from the connection. A client that sends more must
/// wait and does not take up memory.
final class HTTPRequestFrames: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The maximum size of a request's line and headers together, in bytes.
    static let maximumHead = 8192
    /// The maximum number of bytes to read and discard after the last answer, while the client reads it.
    private static let maximumDiscarded = 1 << 18

    /// Events that the later handlers in the pipeline receive in addition to the heads.
    enum Event: Sendable {
        /// The first byte of a head has arrived.
        case began
        /// A complete request has been passed on. If the decoder has not found a request by the time of this event, the
        /// bytes are not a valid request.
        case ended
        /// The client has closed its sending side while a request is being answered.
        case hungUp
        /// The head is too large.
        case overflowed
    }

    private enum Phase: Equatable {
        /// The bytes are the head of the next request.
        case head
        /// The bytes are the body of a request, with the given length. The head has been passed on.
        case body(length: Int)
        /// A request has been passed on but not answered yet.
        case busy
        /// No more requests are answered. The value is the number of bytes discarded so far.
        case discarding(Int)
    }

    private var buffer = ByteBuffer()
    /// The number of buffered bytes that have already been searched for the end of a head.
    private var searched = 0
    /// Whether the current line is empty so far. ``hasLine`` tells whether any earlier line was not empty.
    private var isLineEmpty = true
    private var hasLine = false
    /// The meaning of the bytes that arrive next.
    private var phase = Phase.head
    /// Whether the client has closed its sending side.
    private var isAtEnd = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .discarding(let count) = phase {
            phase = .discarding(count + bytes.readableBytes)
            return
        }
        if buffer.readableBytes == 0, phase == .head { context.fireUserInboundEventTriggered(Event.began) }
        buffer.writeBuffer(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        goOn(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isAtEnd = true
        goOn(context)
    }

    /// Passes on the next request. Call this once the previous request has been answered.
    func next() {
        guard let context else { return }
        phase = .head
        if buffer.readableBytes > 0 { context.fireUserInboundEventTriggered(Event.began) }
        goOn(context)
    }

    /// Passes on a body after the head that is being passed on.
    ///
    /// - Parameter length: The size of the body in bytes.
    func passBody(length: Int) { phase = .body(length: length) }

    /// Discards all further bytes until the client closes the connection. No more requests are answered.
    func discard() {
        guard let context else { return }
        if case .discarding = phase { return }
        phase = .discarding(0)
        buffer.clear()
        goOn(context)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        switch phase {
        case .head: passHead(context)
        case .body(let length): passBody(length, context)
        case .busy: if isAtEnd { context.fireUserInboundEventTriggered(Event.hungUp) }
        case .discarding(let count):
            if isAtEnd || count > Self.maximumDiscarded { context.close(promise: nil) } else { context.read() }
        }
    }

    private func passHead(_ context: ChannelHandlerContext) {
        if let length = lengthOfHead(), let head = buffer.readSlice(length: length) {
            buffer.discardReadBytes()
            (searched, isLineEmpty, hasLine, phase) = (0, true, false, .busy)
            context.fireChannelRead(wrapInboundOut(head))
            // A later handler may have asked for a body, or ended the connection.
            if case .body = phase { goOn(context) } else { context.fireUserInboundEventTriggered(Event.ended) }
        } else if buffer.readableBytes >= Self.maximumHead {
            phase = .busy
            context.fireUserInboundEventTriggered(Event.overflowed)
        } else {
            readMore(context)
        }
    }

    private func passBody(_ length: Int, _ context: ChannelHandlerContext) {
        guard buffer.readableBytes >= length, let body = buffer.readSlice(length: length) else {
            return readMore(context)
        }
        buffer.discardReadBytes()
        phase = .busy
        context.fireChannelRead(wrapInboundOut(body))
        context.fireUserInboundEventTriggered(Event.ended)
    }

    private func readMore(_ context: ChannelHandlerContext) {
        // At the end, all earlier requests have been answered, and the remaining bytes are not a complete request.
        if isAtEnd { context.close(promise: nil) } else { context.read() }
    }

    /// Returns the length of the head, including the empty line that ends it; nil if the first ``maximumHead`` bytes do
    /// not contain the end.
    ///
    /// Empty lines before the first non-empty line do not end the head. A newline without a carriage return also ends a
    /// line, so that the decoder sees such a request and refuses it.
    private func lengthOfHead() -> Int? {
        let end = min(buffer.readableBytes, Self.maximumHead)
        for byte in buffer.readableBytesView.prefix(end).dropFirst(searched) {
            searched += 1
            if byte == UInt8(ascii: "\n") {
                if isLineEmpty, hasLine { return searched }
                isLineEmpty = true
            } else if byte != UInt8(ascii: "\r") {
                (isLineEmpty, hasLine) = (false, true)
            }
        }
        return nil
    }
}

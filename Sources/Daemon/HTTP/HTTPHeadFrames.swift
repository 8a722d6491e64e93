import NIOCore

/// Splits the bytes of a connection into request heads, and passes them on one at a time.
///
/// No page accepts a request body, so the connection carries only heads. A head is passed on only after the previous
/// one has been answered. Until then, nothing is read from the connection. A client that sends more must wait and does
/// not take up memory.
final class HTTPHeadFrames: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The maximum size of a request's line and headers together, in bytes.
    static let maximumHead = 8192
    /// The maximum number of bytes to read and discard after the last answer. Discarding them gives the client time to
    /// read the answer.
    private static let maximumDiscarded = 1 << 18

    /// Events that the later handlers in the pipeline receive in addition to the heads.
    enum Event: Sendable {
        /// The first byte of a head has arrived.
        case began
        /// A complete head has been passed on. If the decoder has not found a request by the time of this event, the
        /// head does not contain a valid request.
        case ended
        /// The head is too large.
        case overflowed
    }

    private var buffer = ByteBuffer()
    /// The number of buffered bytes that have already been searched for the end of a head.
    private var searched = 0
    /// Whether the current line is empty so far. ``hasLine`` tells whether any earlier line was not empty.
    private var isLineEmpty = true
    private var hasLine = false
    /// Whether a head has been passed on but not answered yet.
    private var isBusy = false
    /// The number of bytes discarded so far; nil before ``discard()`` is called.
    private var discarded: Int?
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
        if let discarded {
            self.discarded = discarded + bytes.readableBytes
            return
        }
        if buffer.readableBytes == 0, !isBusy { context.fireUserInboundEventTriggered(Event.began) }
        buffer.writeBuffer(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if let discarded {
            if discarded > Self.maximumDiscarded { context.close(promise: nil) } else { context.read() }
        } else if !isBusy {
            handOn(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isAtEnd = true
        if discarded != nil {
            context.close(promise: nil)
        } else if !isBusy {
            handOn(context)
        }
    }

    /// Passes on the next head. Call this once the previous head has been answered.
    func next() {
        guard let context else { return }
        isBusy = false
        if buffer.readableBytes > 0 { context.fireUserInboundEventTriggered(Event.began) }
        handOn(context)
    }

    /// Discards all further bytes until the client closes the connection. No more requests are answered.
    func discard() {
        guard let context, discarded == nil else { return }
        discarded = 0
        buffer.clear()
        if isAtEnd { context.close(promise: nil) } else { context.read() }
    }

    private func handOn(_ context: ChannelHandlerContext) {
        if let length = lengthOfHead(), let head = buffer.readSlice(length: length) {
            buffer.discardReadBytes()
            (searched, isLineEmpty, hasLine, isBusy) = (0, true, false, true)
            context.fireChannelRead(wrapInboundOut(head))
            context.fireUserInboundEventTriggered(Event.ended)
        } else if buffer.readableBytes >= Self.maximumHead {
            isBusy = true
            context.fireUserInboundEventTriggered(Event.overflowed)
        } else if isAtEnd {
            // All earlier requests have been answered, and the remaining bytes are not a complete request.
            context.close(promise: nil)
        } else {
            context.read()
        }
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

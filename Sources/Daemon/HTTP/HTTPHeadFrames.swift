import NIOCore

/// Splits the bytes of a connection into request heads, and passes on one head at a time.
///
/// No page accepts a request body, so the connection carries only heads. The next head is passed on after the previous
/// one is answered. Until then, nothing is read from the connection. A client that sends more must wait, and takes up
/// no memory.
final class HTTPHeadFrames: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The maximum number of bytes in a request's line and headers together.
    static let maximumHead = 8192
    /// The maximum number of bytes to read and discard after the last answer. Discarding them lets the client read the
    /// answer.
    private static let maximumDiscarded = 1 << 18

    /// Events for the later handlers of the pipeline, in addition to the heads.
    enum Event: Sendable {
        /// The first byte of a head has arrived.
        case began
        /// A complete head was passed on. If the decoder has found no request in the head by then, the head contains
        /// none.
        case ended
        /// The head is too large.
        case overflowed
    }

    private var buffer = ByteBuffer()
    /// The number of buffered bytes already searched for the end of a head.
    private var searched = 0
    /// Whether the current line has no bytes so far. ``hasLine`` tells whether an earlier line had any bytes.
    private var isLineEmpty = true
    private var hasLine = false
    /// Whether a head was passed on and is not answered yet.
    private var isBusy = false
    /// The number of bytes discarded so far; nil before ``discard()``.
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

    /// Passes on the next head, now that the previous one is answered.
    func next() {
        guard let context else { return }
        isBusy = false
        if buffer.readableBytes > 0 { context.fireUserInboundEventTriggered(Event.began) }
        handOn(context)
    }

    /// Discards all further bytes until the client closes the connection. No further request is answered.
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
            // All earlier requests are answered, and the rest is not a whole request.
            context.close(promise: nil)
        } else {
            context.read()
        }
    }

    /// Returns the length of the head, including the empty line at its end; nil if the first ``maximumHead`` bytes do
    /// not contain the end.
    ///
    /// Empty lines before the first non-empty line are skipped. A newline without a carriage return also ends a line,
    /// so that the decoder sees the request and refuses it.
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

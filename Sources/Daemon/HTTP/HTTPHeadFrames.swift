import NIOCore

/// Cuts the bytes of a connection into the heads of requests, and hands on one head at a time.
///
/// No page takes a body, so a connection is a row of heads. The next one is handed on when the one before has been answered,
/// and until then nothing is read from the connection: a client that sends more waits, and costs no memory.
final class HTTPHeadFrames: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The most bytes of a request's line and headers together.
    static let maximumHead = 8192
    /// The most bytes that are read and thrown away after the last answer, so that the client can read it.
    private static let maximumDiscarded = 1 << 18

    /// Notices to the handlers behind, beside the heads.
    enum Event: Sendable {
        /// The first byte of a head has come.
        case began
        /// A head was handed on whole. Whoever has not seen a request in it never will.
        case ended
        /// A head is too large.
        case overflowed
    }

    private var buffer = ByteBuffer()
    /// Bytes of the buffer that were searched for the end of a head.
    private var searched = 0
    /// Whether the line that is searched has a byte besides its end, and whether a line before has.
    private var isLineEmpty = true
    private var hasLine = false
    /// A head was handed on and is not answered yet.
    private var isBusy = false
    /// How many bytes were thrown away; nil while they are not.
    private var discarded: Int?
    /// The client sends nothing more.
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

    /// The head that was handed on is answered: hands on the next one.
    func next() {
        guard let context else { return }
        isBusy = false
        if buffer.readableBytes > 0 { context.fireUserInboundEventTriggered(Event.began) }
        handOn(context)
    }

    /// Nothing is answered any more: throws away what comes, until the client closes.
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
            // What it sent before was answered, and what is left is no whole request.
            context.close(promise: nil)
        } else {
            context.read()
        }
    }

    /// The bytes up to and with the first empty line behind one that is not empty; nil if there is none among the first
    /// ``maximumHead``. A lone newline ends a line too, so that the decoder gets to see it, and refuses it.
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

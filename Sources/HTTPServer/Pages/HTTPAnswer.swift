package import NIOCore
package import NIOHTTP1

/// The server's answer to one request.
package struct HTTPAnswer: Sendable {
    /// The part of an answer that follows its head.
    enum Content: Sendable {
        /// The whole body.
        case body(ByteBuffer)
        /// A stream of events. The closure receives the stream when its head has been sent.
        case events(@Sendable (HTTPEventStream) -> Void)
    }

    let status: HTTPResponseStatus
    /// The headers, except for `Content-Length`, `Connection` and those of all answers.
    let headers: HTTPHeaders
    let content: Content

    /// Creates an answer with one line of plain text.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - line: The body, without its newline.
    ///   - headers: Additional headers.
    /// - Returns: The answer.
    package static func line(_ status: HTTPResponseStatus, _ line: String, _ headers: HTTPHeaders = [:]) -> HTTPAnswer {
        HTTPAnswer(status, type: "text/plain; charset=utf-8", ByteBuffer(string: "\(line)\n"), headers)
    }

    /// Creates an answer with a whole body.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - type: The media type of the body.
    ///   - body: The body.
    ///   - headers: Additional headers.
    package init(_ status: HTTPResponseStatus, type: String, _ body: ByteBuffer, _ headers: HTTPHeaders = [:]) {
        self.init(status, headers, type: type, .body(body))
    }

    /// Creates an answer that is a stream of server-sent events
    /// (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
    ///
    /// - Parameter start: Receives the stream once its head has been sent, on the connection's event loop.
    /// - Returns: The answer.
    package static func events(_ start: @escaping @Sendable (HTTPEventStream) -> Void) -> HTTPAnswer {
        HTTPAnswer(.ok, [:], type: "text/event-stream", .events(start))
    }

    private init(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, type: String, _ content: Content) {
        var headers = headers
        headers.add(name: "Content-Type", value: type)
        self.status = status
        self.headers = headers
        self.content = content
    }
}

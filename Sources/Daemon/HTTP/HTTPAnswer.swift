import NIOHTTP1

/// The daemon's answer to one request.
struct HTTPAnswer: Sendable {
    let status: HTTPResponseStatus
    /// The headers, except for `Content-Length` and `Connection`.
    let headers: HTTPHeaders
    let body: String

    /// Creates an answer with one line of plain text.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - line: The body, without its newline.
    ///   - headers: Additional headers.
    /// - Returns: The answer.
    static func line(_ status: HTTPResponseStatus, _ line: String, _ headers: HTTPHeaders = [:]) -> HTTPAnswer {
        HTTPAnswer(status, type: "text/plain; charset=utf-8", "\(line)\n", headers)
    }

    init(_ status: HTTPResponseStatus, type: String, _ body: String, _ headers: HTTPHeaders = [:]) {
        var headers = headers
        headers.add(name: "Content-Type", value: type)
        self.status = status
        self.headers = headers
        self.body = body
    }
}

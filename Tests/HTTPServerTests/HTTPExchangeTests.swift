import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

/// Tests a connection with a clock that the tests set.
@Suite struct `An HTTP connection` {
    /// A connection to a server that answers every request at once.
    private final class Connection {
        let channel = EmbeddedChannel()

        init(in connections: HTTPConnections = HTTPConnections()) throws {
            let frames = HTTPRequestFrames()
            let page = HTTPPage.page("/healthz") { _, loop in loop.makeSucceededFuture(.line(.ok, "ok")) }
            let echo = HTTPPage.action("/echo", maximumBody: 20) { request, loop in
                loop.makeSucceededFuture(.line(.ok, "got \(String(buffer: request.body))"))
            }
            let site = HTTPSite([page, echo], hosts: []) { "no answer for \($0)" }
            try channel.pipeline.syncOperations.addHandlers(
                frames, ByteToMessageHandler(HTTPRequestDecoder()), HTTPResponseEncoder(),
                HTTPExchange(behind: frames, site, in: connections))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

        func send(_ text: String) throws {
            try channel.writeInbound(ByteBuffer(string: text))
            channel.embeddedEventLoop.run()
        }

        /// The replies since the previous call.
        func replies() throws -> [Substring] {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text.split(separator: "HTTP/1.1 ")
        }

        /// The statuses of the replies since the previous call.
        func statuses() throws -> [Int] { try replies().compactMap { Int($0.prefix(3)) } }

        func wait(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }
    }

    private static let request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    @Test func `a connection without a request is closed after 90 s, and each request restarts the timeout`() throws {
        let connection = try Connection()
        connection.wait(89)
        try connection.send(Self.request)
        #expect(try connection.statuses() == [200])
        connection.wait(89)
        #expect(connection.channel.isActive)
        connection.wait(2)
        #expect(!connection.channel.isActive)
    }

    @Test func `a request that takes longer than 5 s gets status 408, even if its bytes keep arriving`() throws {
        let connection = try Connection()
        for byte in "GET /" {
            try connection.send("\(byte)")
            connection.wait(1)
        }
        #expect(try connection.statuses() == [408])
        // The connection stays open for one more second, so that the client can read the reply.
        connection.wait(1)
        #expect(!connection.channel.isActive)
    }

    @Test func `a request's timeout begins at its first byte, even if it arrives with an earlier request`() throws {
        let connection = try Connection()
        try connection.send(Self.request + "GET /")
        #expect(try connection.statuses() == [200])
        connection.wait(5)
        #expect(try connection.statuses() == [408])
    }

    private static func post(_ body: String) -> String {
        "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(arguments: [1, 2, 3, 7, 1_000])
    func `pipelined requests with bodies are answered in order, however their bytes arrive`(size: Int) throws {
        let connection = try Connection()
        let bodies = ["one", "", "GET / HTTP/1.1\r\n\r\n", "four"]
        let text = Array((bodies.map(Self.post).joined() + Self.request).utf8)
        for start in stride(from: 0, to: text.count, by: size) {
            let piece = text[start..<min(start + size, text.count)]
            try connection.send(String(decoding: piece, as: UTF8.self))
        }
        let replies = try connection.replies()
        #expect(replies.map { $0.prefix(3) } == ["200", "200", "200", "200", "200"])
        for (body, reply) in zip(bodies, replies) { #expect(reply.hasSuffix("\r\n\r\ngot \(body)\n")) }
        #expect(connection.channel.isActive)
    }

    @Test func `a body that is too large, incomplete or of unknown length is refused`() throws {
        let cases = [
            (Self.post(String(repeating: "a", count: 21)), 413),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 1\r\n\r\na", 400),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 411),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 411),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\na", 413),
            ("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nabcd", 408),
        ]
        for (text, status) in cases {
            let connection = try Connection()
            try connection.send(text)
            connection.wait(5)
            #expect(try connection.statuses() == [status], "\(text)")
        }
    }

    @Test func `a connection above the maximum closes the one that has waited longest`() throws {
        let connections = HTTPConnections()
        let all = try (0..<HTTPConnections.maximumCount).map { _ in try Connection(in: connections) }
        // After this request, the second connection has waited longest.
        try all[0].send(Self.request)
        let last = try Connection(in: connections)
        #expect(last.channel.isActive)
        #expect(all.map(\.channel.isActive).enumerated().filter { !$0.element }.map(\.offset) == [1])
    }
}

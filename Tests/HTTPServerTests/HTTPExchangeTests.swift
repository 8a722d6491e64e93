import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

/// Tests a connection's timeouts with a clock that the tests set.
@Suite struct `An HTTP connection` {
    /// A connection to a server that answers every request at once.
    private final class Connection {
        let channel = EmbeddedChannel()

        init(in connections: HTTPConnections = HTTPConnections()) throws {
            let frames = HTTPRequestFrames()
            let page = HTTPPage.page("/healthz") { _, loop in loop.makeSucceededFuture(.line(.ok, "ok")) }
            let site = HTTPSite([page], hosts: []) { "no answer for \($0)" }
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

        /// The statuses of the replies since the previous call.
        func statuses() throws -> [Int] {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
        }

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

    @Test func `a request's timeout begins at its first byte, even if that arrives with an earlier request`() throws {
        let connection = try Connection()
        try connection.send(Self.request + "GET /")
        #expect(try connection.statuses() == [200])
        connection.wait(5)
        #expect(try connection.statuses() == [408])
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

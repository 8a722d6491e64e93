import Foundation
import HTTPServer
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

/// Tests streams of events over real sockets.
@Suite struct `A stream of events` {
    /// The number of bytes in a server's events, and the number of streams that have ended.
    private final class Counts: Sendable {
        let bytes = Atomic<Int>(0)
        let ends = Atomic<Int>(0)
    }

    private static let size = 16_384

    /// Starts a server that sends each client an event of 16 KiB every millisecond. With the query `paced=1`, the server
    /// waits until the client has read the last event.
    private func server(_ counts: Counts) throws -> HTTPListener {
        let event = HTTPEvent("filler", [UInt8](repeating: UInt8(ascii: "a"), count: Self.size))
        let page = HTTPPage.data("/events") { request, loop in
            let isPaced = request.parameter("paced") == "1"
            return loop.makeSucceededFuture(
                .events { stream in
                    let task = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { _ in
                        guard !isPaced || stream.isRead else { return }
                        counts.bytes.add(Self.size, ordering: .relaxed)
                        stream.send(event)
                    }
                    stream.closeFuture.whenComplete { _ in
                        task.cancel()
                        counts.ends.add(1, ordering: .relaxed)
                    }
                })
        }
        let site = HTTPSite([page], hosts: []) { "no answer for \($0)" }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try #require(try HTTPListener(at: .address("127.0.0.1", port: 0), site, logger: logger))
    }

    private func open(_ listener: HTTPListener, _ query: String = "") throws -> TCPConnection {
        let connection = try TCPConnection("\(listener.place)")
        try connection.send("GET /events\(query) HTTP/1.1\r\nHost: \(listener.place)\r\n\r\n")
        return connection
    }

    /// Waits until the given number of streams have ended.
    private func waitForEnds(_ count: Int, _ counts: Counts) {
        let deadline = ContinuousClock.now + .seconds(60)
        while counts.ends.load(ordering: .relaxed) < count, ContinuousClock.now < deadline { usleep(2_000) }
        #expect(counts.ends.load(ordering: .relaxed) == count)
    }

    @Test func `a client that does not read is cut off, and one that reads is not`() throws {
        let counts = Counts()
        let listener = try server(counts)
        defer { listener.close() }
        let silent = try open(listener)
        waitForEnds(1, counts)
        // The server itself buffers 256 KiB. The system's buffers on both sides hold the rest.
        #expect(counts.bytes.load(ordering: .relaxed) < 16 << 20)
        withExtendedLifetime(silent) {}

        let reading = try open(listener, "?paced=1")
        var received = 0
        while received < 4 << 20 {
            let text = reading.receive()
            guard !text.isEmpty else { break }
            received += text.utf8.count
        }
        #expect(received >= 4 << 20)
        #expect(counts.ends.load(ordering: .relaxed) == 1)
    }

    @Test func `a stream ends when its client hangs up, or closes only its sending side`() throws {
        let counts = Counts()
        let listener = try server(counts)
        defer { listener.close() }
        do {
            let leaving = try open(listener)
            #expect(!leaving.receive().isEmpty)
        }
        waitForEnds(1, counts)
        let half = try open(listener)
        #expect(!half.receive().isEmpty)
        half.endSending()
        waitForEnds(2, counts)
    }

    @Test func `a client of HTTP/1.0 gets no stream`() throws {
        let counts = Counts()
        let listener = try server(counts)
        defer { listener.close() }
        let connection = try TCPConnection("\(listener.place)")
        try connection.send("GET /events HTTP/1.0\r\n\r\n")
        #expect(try connection.receiveAll().hasPrefix("HTTP/1.1 505 "))
    }
}

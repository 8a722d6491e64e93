import Foundation
import HTTPServer
import Logging
import TestSupport
import Testing
import Wire

@testable import Daemon

/// Tests the pages over real sockets, with a mailbox that nobody reads.
@Suite struct `The pages of a daemon that does not answer` {
    /// Serves the pages, and calls `body` with their address.
    private func serve(_ probe: HotLoopProbe, _ body: (String) throws -> Void) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let token = try TokenGuard(file: nil, ConnectionRefusals(), logger)
        let site = DaemonPages(probe, HTTPConfiguration(), token).site
        let listener = try #require(try HTTPListener(at: .address("127.0.0.1", port: 0), site, logger: logger))
        defer { listener.close() }
        try body("\(listener.place)")
    }

    @Test func `a daemon that is loading its state is healthy but not ready`() throws {
        let mailbox = try Mailbox()
        try serve(HotLoopProbe(mailbox)) { address throws in
            #expect(try HTTPReply("GET", "/healthz", at: address).status == 200)
            #expect(try HTTPReply("GET", "/readyz", at: address).status == 503)
            #expect(try HTTPReply("GET", "/metrics", at: address).status == 503)
        }
    }

    @Test func `a hot loop that does not answer is neither healthy nor ready`() throws {
        let mailbox = try Mailbox()
        let probe = HotLoopProbe(mailbox)
        probe.begin()
        try serve(probe) { address throws in
            let paths = ["/healthz", "/readyz", "/metrics"]
            DispatchQueue.concurrentPerform(iterations: paths.count) { index in
                let reply = try? HTTPReply("GET", paths[index], at: address)
                #expect(reply?.status == 503)
                #expect(reply?.body.contains("did not answer within 1.0 seconds") == true)
            }
        }
        // Together, the three requests posted only one letter to the loop.
        #expect(mailbox.take().count == 1)
    }

    /// Returns the name of the first event.
    private func firstEvent(at address: String) throws -> Substring? {
        let connection = try TCPConnection(address)
        try connection.send("GET /api/events HTTP/1.1\r\nHost: \(address)\r\n\r\n")
        var text = ""
        while !text.contains("\ndata: ") {
            let more = connection.receive()
            guard !more.isEmpty else { return nil }
            text += more
        }
        return text.firstMatch(of: #/event: (\w+)\ndata: {"time":/#)?.1
    }

    @Test func `events tell that the daemon is loading its state, or does not answer`() throws {
        let mailbox = try Mailbox()
        let probe = HotLoopProbe(mailbox)
        try serve(probe) { address throws in
            #expect(try firstEvent(at: address) == "loading")
            probe.begin()
            #expect(try firstEvent(at: address) == "stuck")
        }
    }
}

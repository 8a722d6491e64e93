import Foundation
import TestSupport
import Testing

@Suite struct `An HTTP client` {
    /// Sends text over a new connection, and waits for the connection to close.
    ///
    /// - Returns: The whole reply.
    private func answer(to text: String, from daemon: DaemonProcess) throws -> String {
        let connection = try TCPConnection(daemon.http)
        try connection.send(text)
        return try connection.receiveAll()
    }

    private func status(of answer: String) -> Int? {
        answer.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
    }

    private static let address = "Host: 127.0.0.1\r\n"
    private static func filled(to size: Int) -> String {
        let rest = "GET /healthz HTTP/1.1\r\n\(address)Connection: close\r\nX: \r\n\r\n"
        return rest.replacing("X: ", with: "X: " + String(repeating: "a", count: size - rest.utf8.count))
    }

    @Test func `an invalid request gets an error status, and its connection is closed`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let cases: [(request: String, status: Int)] = [
            (Self.filled(to: 8192), 200), (Self.filled(to: 8193), 431),
            ("GET /" + String(repeating: "a", count: 9000), 431),
            ("GET / HTTP/1.1\r\n" + Self.address + String(repeating: "a: b\r\n", count: 120) + "\r\n", 431),
            ("POST /healthz HTTP/1.1\r\n\(Self.address)Content-Length: 5\r\n\r\nhello", 413),
            ("POST /healthz HTTP/1.1\r\n\(Self.address)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
            ("no HTTP at all\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\r\n\r\n", 400), ("GET /healthz\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\r\n\(Self.address)a b: c\r\n\r\n", 400),
            ("CONNECT 127.0.0.1:80 HTTP/1.1\r\n\(Self.address)\r\n", 404),
            ("GET /healthz HTTP/1.1\r\n\(Self.address)Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
            ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ]
        for (request, status) in cases {
            let answer = try answer(to: request, from: daemon)
            #expect(self.status(of: answer) == status, "\(request.prefix(80).debugDescription): \(answer)")
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"), "\(request.prefix(80).debugDescription)")
        }
        #expect(try HTTPReply("GET", "/healthz", at: daemon.http).status == 200)
        #expect(daemon.stop() == 0)
    }

    @Test func `each of many pipelined requests gets an answer, in order`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let paths = (0..<300).map { ["/healthz", "/readyz", "/nowhere"][$0 % 3] }
        let requests = paths.map { "GET \($0) HTTP/1.1\r\n\(Self.address)\r\n" }.joined()
        let connection = try TCPConnection(daemon.http)
        try connection.send(requests)
        connection.endSending()

        let answers = try connection.receiveAll().split(separator: "HTTP/1.1 ")

        #expect(answers.map { $0.prefix(3) } == paths.map { $0 == "/nowhere" ? "404" : "200" })
        #expect(answers.map { $0.hasSuffix("ready\n") } == paths.map { $0 == "/readyz" })
    }

    @Test func `an endless header is cut off, and blocks neither other clients nor SIGTERM`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let address = daemon.http
        let bombers = (0..<4).map { _ in
            let ended = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                let piece = String(repeating: "a", count: 65_536)
                // Connect repeatedly until the daemon has ended.
                while let connection = try? TCPConnection(address) {
                    try? connection.send("GET /healthz HTTP/1.1\r\nX: ")
                    // Send until the daemon closes the connection.
                    while (try? connection.send(piece)) != nil {}
                }
                ended.signal()
            }
            return ended
        }
        for path in ["/healthz", "/readyz", "/metrics", "/healthz"] {
            let start = ContinuousClock.now
            #expect(try HTTPReply("GET", path, at: address).status == 200)
            #expect(start.duration(to: .now) < .seconds(5 * patience))
        }
        let start = ContinuousClock.now
        #expect(daemon.stop() == 0)
        #expect(start.duration(to: .now) < .seconds(5 * patience), "\(daemon.log)")
        for ended in bombers { ended.wait() }
    }

    @Test func `a client that is slow or never reads is cut off`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let slow = try (0..<3).map { _ in try TCPConnection(daemon.http) }
        for connection in slow { try connection.send("GET /healthz HTTP/1.1\r\nHost: ") }
        let greedy = try TCPConnection(daemon.http)
        let memory = try memory(of: daemon)
        // The client never reads. The daemon closes the connection a few seconds after its last successful write.
        while (try? greedy.send("GET /metrics HTTP/1.1\r\n\(Self.address)\r\n")) != nil {}

        for connection in slow { #expect(status(of: try connection.receiveAll()) == 408) }
        #expect(try self.memory(of: daemon) < memory + 20_000_000)
        #expect(try HTTPReply("GET", "/healthz", at: daemon.http).status == 200)
    }

    private func memory(of daemon: DaemonProcess) throws -> Int {
        let text = try HTTPReply("GET", "/metrics", at: daemon.http).body
        let match = try #require(text.firstMatch(of: #/(?m)^sluice_resident_memory_bytes (\S+)/#))
        return Int(try #require(Double(match.1)))
    }

    @Test func `clients are accepted again once the daemon has free descriptors`() throws {
        // The daemon itself needs few of these descriptors. Connections use the rest.
        let limit = 48
        let program = RunningProgram.folder.appending(path: "sluiced").path
        let daemon = try RunningProgram(
            "/usr/bin/prlimit",
            [
                "--nofile=\(limit)", program, model2, "--ingest", "@tcp://127.0.0.1:*", "--decisions",
                "@tcp://127.0.0.1:*",
                "--control", "@tcp://127.0.0.1:*", "--http", "127.0.0.1:*",
            ])
        let ready = try daemon.waitForLine { $0.contains("ready: ") }
        let address = String(try #require(ready.split(separator: "http ").last?.split(separator: ";").first))
        do {
            let silent = try (0..<limit).map { _ in try TCPConnection(address) }
            _ = try daemon.waitForLine { $0.contains("http cannot accept connections") }
            withExtendedLifetime(silent) {}
        }
        #expect(try HTTPReply("GET", "/healthz", at: address).status == 200)
        _ = try daemon.waitForLine { $0.contains("http accepts connections again") }
        daemon.terminate()
        #expect(daemon.waitForEnd() == 0)
        let complaints = daemon.errorOutput.split(separator: "\n").filter { $0.contains("http cannot accept") }
        #expect(complaints.count == 1)
    }

    @Test func `a request for an unknown host is refused`() throws {
        let hosts = ["--http-host", "sluice.example", "--http-host", "Metrics"]
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort + hosts)
        let cases: [(hosts: [String], status: Int)] = [
            (["127.0.0.1"], 200), (["192.0.2.7:5553"], 200), (["[2001:db8::1]"], 200), (["[::1]:80"], 200),
            (["localhost"], 200), (["LOCALHOST:9"], 200), (["sluice.example"], 200), (["SLUICE.example.:5553"], 200),
            (["metrics:1"], 200), (["evil.example"], 421), (["sluice.example.evil.example"], 421),
            (["127.0.0.1.evil"], 421),
            (["localhost.evil"], 421), ([], 400), ([""], 400), (["a b"], 400), (["[::1"], 400), (["127.0.0.1:x"], 400),
            (["127.0.0.1", "evil.example"], 400),
        ]
        for (hosts, status) in cases {
            let names = hosts.map { "Host: \($0)\r\n" }.joined()
            let answer = try answer(to: "GET /metrics HTTP/1.1\r\n\(names)Connection: close\r\n\r\n", from: daemon)
            #expect(self.status(of: answer) == status, "\(hosts): \(answer.prefix(300))")
            #expect(answer.contains("sluice_timesteps_total") == (status == 200))
        }
        let answer = try answer(to: "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", from: daemon)
        #expect(answer.contains("--http-host evil.example"))
    }
}

@Suite struct `HTTP beyond this machine` {
    private static let free = ["--ingest", "--decisions", "--control"].flatMap { [$0, "@tcp://127.0.0.1:*"] }

    @Test(arguments: ["0.0.0.0:*", "[::]:*", "192.0.2.1:5553"])
    func `a public HTTP address is refused without --http-public`(address: String) throws {
        let ended = try FinishedProgram("sluiced", [model2, "--http", address] + Self.free)
        #expect(ended.status == 78)
        #expect(ended.errorOutput.contains("--http-public"))
        #expect(try FinishedProgram("sluiced", [model2, "--http", address, "--check-config"]).status == 78)
        #expect(
            try FinishedProgram("sluiced", [model2, "--http", address, "--http-public", "--check-config"]).status == 0)
    }

    @Test func `a public HTTP address is served with --http-public`() throws {
        let daemon = try DaemonProcess([model2, "--http", "0.0.0.0:*", "--http-public"])
        #expect(try HTTPReply("GET", "/readyz", at: daemon.http).status == 200)
    }

    @Test(arguments: ["http://a", "a:80", "a/b", "", "a b"])
    func `--http-host accepts only host names`(host: String) throws {
        #expect(try FinishedProgram("sluiced", [model2, "--http-host", host, "--check-config"]).status == 64)
    }
}

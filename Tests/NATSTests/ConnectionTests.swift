#if Cluster
import NATS
import TestSupport
import Testing

/// Tests connections with real servers, also with ones that refuse, break or freeze.
@Suite struct `A NATS connection` {
    private func connect(_ url: String, _ change: (inout ConnectionOptions) -> Void = { _ in }) throws -> Connection {
        var options = ConnectionOptions(servers: [url], name: "tests")
        change(&options)
        return try Connection(options)
    }

    /// Returns the error of an attempt to connect.
    private func refusal(_ url: String, _ change: (inout ConnectionOptions) -> Void = { _ in }) throws -> NATSError {
        try #require(throws: NATSError.self) { _ = try connect(url, change) }
    }

    @Test func `shows the server's version, JetStream and the largest payload`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        #expect(connection.isConnected && !connection.isClosed)
        #expect(connection.connectedURL == servers.urls[0])
        #expect(connection.maximumPayload == 1_048_576)
        let information = try connection.serverInformation()
        #expect(information.isAtLeast([2, 12]) && information.hasJetStream && information.name == "s0")
    }

    @Test func `carries messages with replies and headers to the subscribers of a subject`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let subscription = try connection.subscribe("a.*")
        let payload: [UInt8] = [0, 1, 255]
        try connection.publish("a.b", payload.span, reply: "r", headers: [("Name", "one"), ("Name", "two: three")])
        try connection.publish("a.c", [UInt8]().span)
        let first = try #require(try subscription.next(timeoutMilliseconds: 10_000))
        #expect(first.subject == "a.b" && first.reply == "r" && first.bytes == payload)
        #expect(first.header("Name") == "one" && first.header("name") == nil && first.delivery == nil)
        let second = try #require(try subscription.next(timeoutMilliseconds: 10_000))
        #expect(second.subject == "a.c" && second.reply == nil && second.bytes.isEmpty && second.status == nil)
        #expect(try subscription.next(timeoutMilliseconds: 0) == nil)
    }

    @Test func `keeps messages until they are taken, however many`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let subscription = try connection.subscribe("a")
        // libnats would otherwise drop messages after 65,536.
        for _ in 0..<70_000 { try connection.publish("a", [1].span) }
        try connection.flush(timeoutMilliseconds: 30_000)
        #expect(subscription.pendingCount == 70_000)
    }

    @Test func `gives each message to one subscriber of a queue group`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let subscriptions = try (0..<2).map { _ in try connection.subscribe("a", queueGroup: "g") }
        for number in 0..<UInt8(100) { try connection.publish("a", [number].span) }
        try connection.flush(timeoutMilliseconds: 10_000)
        var received: [UInt8] = []
        for subscription in subscriptions {
            while let message = try subscription.next(timeoutMilliseconds: 0) { received += message.bytes }
        }
        #expect(received.sorted() == Array(0..<100))
    }

    @Test func `answers requests, and names a subject to which nobody listens`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let error = try #require(throws: NATSError.self) {
            _ = try connection.request("nobody", [UInt8]().span, timeoutMilliseconds: 10_000)
        }
        #expect(error.code == .noResponders)
        #expect("\(error)" == "cannot ask nobody: nobody listens to this subject")
        let listener = try connection.subscribe("quiet")
        let late = try #require(throws: NATSError.self) {
            _ = try connection.request("quiet", [UInt8]().span, timeoutMilliseconds: 50)
        }
        #expect(late.code == .timeout)
        withExtendedLifetime(listener) {}
    }

    static let badURLs: [(String, String)] = [
        ("http://a:1", "cannot connect to 'http://a:1': a server's URL begins with nats:// or tls://"),
        ("nats://u:secret@a:0", "cannot connect to 'nats://u@a:0': a port is a number from 1 to 65535"),
        (
            "nats://",
            "cannot connect to 'nats://': a server's URL is nats://HOST:PORT, with USER:PASSWORD@ before HOST if the server "
                + "asks for it"
        ),
    ]

    @Test(arguments: badURLs)
    func `explains a URL that is not one`(url: String, explanation: String) throws {
        let error = try refusal(url)
        #expect(error.code == .badOption && "\(error)" == explanation)
    }

    @Test func `names the servers without passwords if none answers`() throws {
        let port = FreePort.reserve(1)[0]
        let error = try refusal("nats://u:secret@127.0.0.1:\(port)")
        #expect(error.code == .unreachable)
        #expect(
            "\(error)"
                == "cannot connect to nats://u@127.0.0.1:\(port): no server answers; start NATS, or correct the address"
        )
    }

    @Test func `asks for a login that the server accepts`() throws {
        var options = NATSServers.Options()
        options.configuration = "authorization: {user: u, password: p}"
        let servers = try NATSServers(1, options)
        let address = servers.urls[0].dropFirst("nats://".count)
        #expect(try connect("nats://u:p@\(address)").isConnected)
        for url in ["nats://\(address)", "nats://u:wrong@\(address)"] {
            let error = try refusal(url)
            #expect(error.code == .refusedLogin)
            #expect("\(error)".contains("the server refuses the login; give USER:PASSWORD@ in the URL"))
            #expect(!"\(error)".contains("wrong"))
        }
    }

    @Test func `says if the server has no JetStream`() throws {
        var options = NATSServers.Options()
        options.hasJetStream = false
        let servers = try NATSServers(1, options)
        let connection = try connect(servers.urls[0])
        #expect(try !connection.serverInformation().hasJetStream)
        let error = try #require(throws: NATSError.self) {
            _ = try connection.request(JetStream.accountInformation, timeoutMilliseconds: 10_000)
        }
        #expect(error.code == .noResponders)
        #expect(
            "\(error)".hasPrefix("cannot use JetStream at \(servers.urls[0]): no server offers it; start NATS with -js")
        )
    }

    @Test func `refuses subjects and headers that would change the protocol`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        for subject in ["", "a b", "a\r\nPUB x 0\r\n", "a\0"] {
            let error = try #require(throws: NATSError.self) { try connection.publish(subject, [UInt8]().span) }
            #expect(error.code == .badSubject)
        }
        for header in [("a:b", "c"), ("a", "b\r\nc: d"), ("", "a")] {
            let error = try #require(throws: NATSError.self) {
                try connection.publish("a", [UInt8]().span, headers: [header])
            }
            #expect(error.code == .badSubject)
        }
    }

    @Test func `refuses a payload above the server's maximum`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let payload = [UInt8](repeating: 0, count: 1_048_577)
        let error = try #require(throws: NATSError.self) { try connection.publish("a", payload.span) }
        #expect(error.code == .tooLarge)
        #expect("\(error)".hasPrefix("cannot publish to a: "))
    }

    @Test func `fails at once while the server is away, and goes on when it is back`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let subscription = try connection.subscribe("a")
        servers.kill(0)
        try wait { !connection.isConnected }
        for _ in 0..<3 {
            let start = ContinuousClock.now
            let error = try #require(throws: NATSError.self) { try connection.publish("a", [1].span) }
            #expect(error.code == .disconnected && ContinuousClock.now - start < .milliseconds(100))
        }
        #expect(connection.connectedURL == nil && connection.reconnectCount == 0)
        try servers.start(0)
        try wait { connection.isConnected }
        #expect(connection.reconnectCount == 1)
        try connection.publish("a", [2].span)
        let message = try #require(try subscription.next(timeoutMilliseconds: 10_000))
        #expect(message.bytes == [2])
    }

    @Test func `is closed for good if the server refuses the login after a restart`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        let subscription = try connection.subscribe("a")
        servers.kill(0)
        try servers.start(0, configuration: "authorization: {user: u, password: p}")
        try wait { connection.isClosed }
        #expect(!connection.isConnected)
        let error = try #require(throws: NATSError.self) { try connection.publish("a", [1].span) }
        #expect(error.code == .closed)
        let end = try #require(throws: NATSError.self) { _ = try subscription.next(timeoutMilliseconds: 10_000) }
        #expect(end.code == .closed)
    }

    @Test func `takes the first server of the list that answers`() throws {
        let servers = try NATSServers()
        let absent = "nats://127.0.0.1:\(FreePort.reserve(1)[0])"
        let options = ConnectionOptions(servers: [absent, servers.urls[0]], name: "tests")
        #expect(try Connection(options).connectedURL == servers.urls[0])
    }

    @Test func `notices a frozen server within a few seconds`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        servers.freeze(0)
        let start = ContinuousClock.now
        try wait { !connection.isConnected }
        #expect(ContinuousClock.now - start < .seconds(6))
        servers.thaw(0)
        try wait { connection.isConnected }
    }

    @Test func `gives up a server that does not read what is sent`() throws {
        let servers = try NATSServers()
        let connection = try connect(servers.urls[0])
        servers.freeze(0)
        let payload = [UInt8](repeating: 0, count: 1 << 18)
        let start = ContinuousClock.now
        // The buffers of the two sockets take the first messages.
        let error = try #require(throws: NATSError.self) {
            for _ in 0..<1_000 { try connection.publish("a", payload.span) }
        }
        #expect(error.code == .disconnected && ContinuousClock.now - start < .seconds(5))
    }
}
#endif

#if Cluster
import NATS
import TestSupport
import Testing

/// Tests a connection to three real servers that store each message three times.
@Suite struct `A connection to three NATS servers` {
    @Test func `goes on with another server when its own is killed, and loses no confirmed message`() throws {
        let servers = try NATSServers(3)
        let connection = try Connection(ConnectionOptions(servers: servers.urls, name: "tests"))
        let configuration = StreamConfiguration(name: "S", subjects: ["s"], replicas: 3)
        let created = try StreamInformation(
            connection.request(JetStream.create(configuration), timeoutMilliseconds: 10_000))
        #expect(created.replicas == 3 && created.leader != nil)
        var last = try publish(0, after: 0, on: connection)

        let url = try #require(connection.connectedURL)
        let own = try #require(servers.urls.firstIndex(of: url))
        servers.kill(own)
        try wait { connection.reconnectCount == 1 && connection.isConnected }
        #expect(connection.connectedURL != url)
        // The other servers may have to elect a leader first.
        try wait {
            guard let sequence = try? publish(1, after: last, on: connection) else { return false }
            last = sequence
            return true
        }
        try servers.start(own)
        try servers.waitUntilReady()
        last = try publish(2, after: last, on: connection)
        for sequence in 1...last {
            let stored = try StoredMessage(
                connection.request(JetStream.message(at: sequence, in: "S"), timeoutMilliseconds: 10_000))
            #expect(stored.payload == [UInt8(sequence - 1)])
        }
        #expect(last == 3)
    }

    /// Publishes a number. After an answer was lost, the message may have been stored already.
    private func publish(_ number: UInt8, after last: UInt64, on connection: Connection) throws -> UInt64 {
        let headers = PublishHeaders(lastSequence: last, messageID: "\(number)").list
        let answer = try connection.request("s", [number].span, headers: headers, timeoutMilliseconds: 1_000)
        return try PublishAcknowledgement(answer).sequence
    }
}
#endif

#if Cluster
import NATS
import Testing
import Wire

@testable import Daemon

@Suite struct `A follower of a stream` {
    /// A follower, and what it has passed on.
    private final class Reader {
        let inbox: Inbox
        let follower: StreamFollower
        var sequences: [UInt64] = []
        var isHungry = true

        init(_ connection: Connection, from sequence: UInt64 = 1, _ window: StreamFollower.Window = .init()) throws {
            inbox = try Inbox(on: connection)
            follower = StreamFollower(stream: ClusterNames.log(0), inbox: inbox, window: window)
            follower.follow(from: sequence)
        }

        /// Reads until a message arrived, or the time is over.
        func read(until last: UInt64, seconds: Double = 30) throws {
            let deadline = ContinuousClock.now + .seconds(seconds)
            while sequences.last ?? 0 < last, ContinuousClock.now < deadline {
                follower.turn(at: SteadyClock.now(), wants: isHungry)
                guard let message = try inbox.next(timeoutMilliseconds: 20) else { continue }
                if case .message(let delivery) = follower.take(message, at: SteadyClock.now()) {
                    sequences.append(delivery.sequence)
                }
            }
        }
    }

    private func fill(_ server: ClusterServer, _ count: Int, byteCount: Int = 100) throws {
        let inbox = try Inbox(on: server.connection)
        let payload = [UInt8](repeating: 7, count: byteCount)
        for _ in 0..<count { _ = try inbox.request(ClusterNames.logSubject(0), payload.span) }
        for _ in 0..<count { _ = try #require(try inbox.next(timeoutMilliseconds: 10_000)) }
    }

    @Test func `a follower passes on every message once and in order, from its start on`() throws {
        let server = try ClusterServer(partitions: 1)
        try fill(server, 3_000)
        let reader = try Reader(server.connection, from: 11)
        try reader.read(until: 3_000)
        #expect(reader.sequences == Array(11...3_000))
        try fill(server, 5)
        try reader.read(until: 3_005)
        #expect(reader.sequences == Array(11...3_005))
        #expect(try server.state(of: ClusterNames.log(0)).consumerCount == 1)
        reader.follower.stop()
        try server.connection.flush(timeoutMilliseconds: 1_000)
    }

    @Test func `a follower asks for no more bytes than its window has`() throws {
        let server = try ClusterServer(partitions: 1)
        try fill(server, 200, byteCount: 50_000)
        let reader = try Reader(server.connection, StreamFollower.Window(messages: 1_000, bytes: 200_000))
        try reader.read(until: 1)
        reader.isHungry = false
        try reader.read(until: 200, seconds: 0.5)
        #expect(reader.sequences.count <= 8, "\(reader.sequences.count)")
        reader.isHungry = true
        try reader.read(until: 200)
        #expect(reader.sequences == Array(1...200))
    }

    @Test func `a follower goes on with a new consumer if its consumer is gone`() throws {
        let server = try ClusterServer(partitions: 1)
        try fill(server, 10)
        let reader = try Reader(server.connection)
        try reader.read(until: 10)
        let empty: [UInt8] = []
        let page = try server.connection.request(
            "$JS.API.CONSUMER.NAMES.IN_0", empty.span, timeoutMilliseconds: 10_000)
        let text = String(decoding: page.bytes, as: UTF8.self)
        let name = try #require(text.firstMatch(of: #/"consumers":\["([^"]+)"/#)?.1)
        _ = try Success(server.ask(JetStream.deleteConsumer(String(name), of: ClusterNames.log(0))))
        try fill(server, 10)
        try reader.read(until: 20)
        #expect(reader.sequences == Array(1...20))
    }

    @Test func `a follower goes on after the server was killed and started again`() throws {
        let server = try ClusterServer(partitions: 1)
        try fill(server, 10)
        let reader = try Reader(server.connection)
        try reader.read(until: 10)
        server.servers.kill(0)
        try reader.read(until: 11, seconds: 0.2)
        try server.servers.start(0)
        try server.servers.waitUntilReady()
        while !server.connection.isConnected { try reader.read(until: 11, seconds: 0.05) }
        try fill(server, 10)
        try reader.read(until: 20)
        #expect(reader.sequences == Array(1...20))
    }
}
#endif

#if Cluster
import NATS
import TestSupport
import Testing

/// Tests a bucket of keys and values with a real server.
@Suite struct `A bucket of keys` {
    private let servers: NATSServers
    private let connection: Connection
    private let bucket = KeyValue(bucket: "LEASE")

    init() throws {
        servers = try NATSServers()
        connection = try Connection(ConnectionOptions(servers: servers.urls, name: "tests"))
        _ = try StreamInformation(ask(JetStream.create(bucket.configuration(replicas: 1))))
    }

    private func ask(_ request: APIRequest) throws -> Message {
        try connection.request(request, timeoutMilliseconds: 10_000)
    }

    @discardableResult
    private func put(_ value: String, at key: String, _ headers: [(String, String)] = []) throws -> UInt64 {
        let answer = try connection.request(
            bucket.subject(of: key), Array(value.utf8).span, headers: headers, timeoutMilliseconds: 10_000)
        return try PublishAcknowledgement(answer).sequence
    }

    @Test func `shows a watch the last value of each key, then every change`() throws {
        try put("old", at: "n.a")
        try put("a1", at: "n.a")
        try put("b1", at: "n.b")
        try put("other", at: "p.0")
        let information = try ConsumerInformation(ask(JetStream.create(bucket.watch("n.>", name: "watch"))))
        #expect(information.pendingCount == 2)
        let inbox = try Inbox(on: connection)
        _ = try inbox.send(JetStream.pull(100, expires: 30_000_000_000, from: "watch", of: bucket.stream))
        var changes: [String] = []
        func take(_ count: Int) throws {
            for _ in 0..<count {
                let message = try #require(try inbox.next(timeoutMilliseconds: 10_000))
                let key = try #require(bucket.key(of: message.subject))
                let delivery = try #require(message.delivery)
                let value = KeyValue.isDeletion(message) ? "deleted" : String(decoding: message.bytes, as: UTF8.self)
                changes.append("\(delivery.sequence) \(key) \(value)")
            }
        }
        try take(2)
        try put("a2", at: "n.a")
        try put("", at: "n.b", KeyValue.deletion)
        try put("c1", at: "n.c")
        try take(3)
        #expect(changes == ["2 n.a a1", "3 n.b b1", "5 n.a a2", "6 n.b deleted", "7 n.c c1"])
    }

    @Test func `accepts a change only of the expected revision`() throws {
        let created = try put("a", at: "p.0", PublishHeaders(lastSubjectSequence: 0).list)
        try put("x", at: "p.1")
        let changed = try put("b", at: "p.0", PublishHeaders(lastSubjectSequence: created).list)
        for stale in [0, created] {
            let error = try #require(throws: JetStreamError.self) {
                try put("c", at: "p.0", PublishHeaders(lastSubjectSequence: stale).list)
            }
            #expect(error.isWrongLastSequence)
        }
        let stored = try StoredMessage(ask(JetStream.lastMessage(of: bucket.subject(of: "p.0"), in: bucket.stream)))
        #expect(stored.sequence == changed && stored.payload == Array("b".utf8))
    }
}
#endif

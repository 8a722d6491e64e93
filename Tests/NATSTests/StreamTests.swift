#if Cluster
import NATS
import TestSupport
import Testing

/// Tests JetStream's protocol with one real server.
@Suite struct `A stream` {
    private let servers: NATSServers
    private let connection: Connection
    private let stream = "S"

    init() throws {
        servers = try NATSServers()
        connection = try Connection(ConnectionOptions(servers: servers.urls, name: "tests"))
        try create(StreamConfiguration(name: stream, subjects: ["\(stream).>"]))
    }

    @discardableResult
    private func create(_ configuration: StreamConfiguration) throws -> StreamInformation {
        try StreamInformation(ask(JetStream.create(configuration)))
    }

    private func ask(_ request: APIRequest) throws -> Message {
        try connection.request(request, timeoutMilliseconds: 10_000)
    }

    @discardableResult
    private func publish(
        _ text: String, to token: String = "a", _ headers: PublishHeaders = PublishHeaders()
    ) throws -> PublishAcknowledgement {
        let answer = try connection.request(
            "\(stream).\(token)", Array(text.utf8).span, headers: headers.list, timeoutMilliseconds: 10_000)
        return try PublishAcknowledgement(answer)
    }

    @Test func `confirms each stored message with its sequence`() throws {
        let acknowledgements = try (1...3).map { try publish("message \($0)") }
        #expect(acknowledgements.map(\.sequence) == [1, 2, 3])
        #expect(acknowledgements.allSatisfy { $0.stream == stream && !$0.isDuplicate })
    }

    @Test func `refuses a message that does not follow the expected one`() throws {
        try publish("one", PublishHeaders(lastSequence: 0))
        try publish("two", PublishHeaders(lastSequence: 1))
        let error = try #require(throws: JetStreamError.self) { try publish("again", PublishHeaders(lastSequence: 1)) }
        #expect(error.isWrongLastSequence)
        #expect(error.code == 10071)
        let state = try StreamInformation(ask(JetStream.streamInformation(stream)))
        #expect(state.lastSequence == 2)
    }

    @Test func `stores a message with a known name only once`() throws {
        let first = try publish("one", PublishHeaders(messageID: "m"))
        let second = try publish("one", PublishHeaders(messageID: "m"))
        #expect(!first.isDuplicate)
        #expect(second.isDuplicate && second.sequence == first.sequence)
    }

    @Test func `returns the message at a sequence, with its headers and its time`() throws {
        try publish("one", PublishHeaders(messageID: "m", stream: stream))
        let message = try StoredMessage(ask(JetStream.message(at: 1, in: stream)))
        #expect(message.payload == Array("one".utf8))
        #expect(message.subject == "\(stream).a")
        #expect(message.header("Nats-Msg-Id") == "m")
        #expect(message.time > 1_700_000_000_000_000_000)
        let error = try #require(throws: JetStreamError.self) {
            try StoredMessage(ask(JetStream.message(at: 2, in: stream)))
        }
        #expect(error.isNotFound)
    }

    @Test func `delivers the messages of a stream in order, with their places`() throws {
        for number in 1...20 { try publish("\(number)") }
        let consumer = ConsumerConfiguration(stream: stream, name: "c", start: .sequence(5))
        let information = try ConsumerInformation(ask(JetStream.create(consumer)))
        #expect(information.pendingCount == 16)
        let inbox = try Inbox(on: connection)
        _ = try inbox.send(JetStream.pull(10, expires: nil, from: "c", of: stream))
        var sequences: [UInt64] = []
        var times: [Int64] = []
        for _ in 0..<10 {
            let message = try #require(try inbox.next(timeoutMilliseconds: 10_000))
            let delivery = try #require(message.delivery)
            #expect(delivery.stream == stream && delivery.consumer == "c")
            #expect(delivery.consumerSequence == UInt64(sequences.count) + 1)
            #expect(delivery.pendingCount == 16 - delivery.consumerSequence)
            #expect(message.bytes == Array("\(delivery.sequence)".utf8))
            #expect(message.token == nil)
            sequences.append(delivery.sequence)
            times.append(delivery.time)
        }
        #expect(sequences == Array(5...14))
        let stored = try StoredMessage(ask(JetStream.message(at: 5, in: stream)))
        #expect(stored.time == times[0])
    }

    @Test func `ends a pull with a status that carries the token of the request`() throws {
        try publish("one")
        let consumer = ConsumerConfiguration(stream: stream, name: "c", start: .sequence(1))
        _ = try ConsumerInformation(ask(JetStream.create(consumer)))
        let inbox = try Inbox(on: connection)
        let token = try inbox.send(JetStream.pull(10, expires: nil, from: "c", of: stream))
        #expect(try inbox.next(timeoutMilliseconds: 10_000)?.delivery?.sequence == 1)
        let end = try #require(try inbox.next(timeoutMilliseconds: 10_000))
        #expect(end.status?.isEndOfPull == true && end.token == token)
        let missing = try inbox.send(JetStream.pull(1, expires: nil, from: "absent", of: stream))
        let isAnswered = try inbox.next(timeoutMilliseconds: 10_000) != nil
        let count = inbox.unheardCount
        #expect(!isAnswered && count == 1 && missing == 2)
    }

    @Test func `pipelines messages that each expect the one before`() throws {
        let inbox = try Inbox(on: connection)
        var tokens: [UInt64] = []
        for number in 0..<64 {
            let headers = PublishHeaders(lastSequence: UInt64(number)).list
            tokens.append(try inbox.request("\(stream).a", [UInt8(number)].span, headers: headers))
        }
        for (index, token) in tokens.enumerated() {
            let answer = try #require(try inbox.next(timeoutMilliseconds: 10_000))
            let sequence = try PublishAcknowledgement(answer).sequence
            #expect(answer.token == token && sequence == UInt64(index) + 1)
        }
    }

    @Test func `removes messages before a sequence, of a subject, and all but the last ones`() throws {
        for number in 1...10 { try publish("\(number)", to: number % 2 == 0 ? "even" : "odd") }
        #expect(try Success(ask(JetStream.purge(stream, before: 5))).purgedCount == 4)
        #expect(try Success(ask(JetStream.purge(stream, subject: "\(stream).odd"))).purgedCount == 3)
        #expect(try Success(ask(JetStream.purge(stream, keep: 1))).purgedCount == 2)
        let state = try StreamInformation(ask(JetStream.streamInformation(stream, subjects: ">")))
        #expect(state.firstSequence == 10 && state.lastSequence == 10 && state.messageCount == 1)
        #expect(state.subjectCounts == ["\(stream).even": 1])
    }

    @Test func `lists, changes and deletes streams`() throws {
        var configuration = StreamConfiguration(name: stream, subjects: ["\(stream).>"])
        configuration.maximumBytes = 1_000_000
        configuration.discard = .new
        let changed = try StreamInformation(ask(JetStream.update(configuration)))
        #expect(changed.maximumBytes == 1_000_000 && changed.replicas == 1)
        let names = try StreamNames(ask(JetStream.streamNames(storing: "\(stream).a")))
        #expect(names.names == [stream] && names.total == 1)
        _ = try Success(ask(JetStream.deleteStream(stream)))
        let error = try #require(throws: JetStreamError.self) {
            try StreamInformation(ask(JetStream.streamInformation(stream)))
        }
        #expect(error.isNotFound)
    }

    @Test func `refuses a message when the stream is full`() throws {
        var configuration = StreamConfiguration(name: stream, subjects: ["\(stream).>"])
        configuration.maximumBytes = 1_000
        configuration.discard = .new
        _ = try StreamInformation(ask(JetStream.update(configuration)))
        let error = try #require(throws: JetStreamError.self) {
            for _ in 0..<20 { try publish(String(repeating: "x", count: 100)) }
        }
        #expect(error.isFull, "\(error)")
    }
}
#endif

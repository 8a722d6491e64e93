#if Cluster
/// An answer of JetStream.
public protocol JetStreamReply: Equatable, Sendable {
    /// Reads an answer.
    ///
    /// - Parameter payload: The message's payload.
    /// - Throws: ``JetStreamError`` if JetStream refused the request, or the answer is another one.
    init(_ payload: Span<UInt8>) throws(JetStreamError)
}

extension JetStreamReply {
    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if JetStream refused the request, or the answer is another one.
    public init(_ message: Message) throws(JetStreamError) {
        let payload = message.payload
        try self.init(payload)
    }
}

/// JetStream's confirmation that it has stored a message.
public struct PublishAcknowledgement: JetStreamReply {
    /// The stream.
    public let stream: String
    /// The message's sequence in the stream.
    public let sequence: UInt64
    /// Whether JetStream had stored a message with the same `Nats-Msg-Id` before. Then the sequence is that message's.
    public let isDuplicate: Bool

    /// Reads an answer to a publish.
    ///
    /// - Throws: ``JetStreamError`` if JetStream did not store the message, or the answer is not a confirmation.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let answer = try JetStreamAnswer(payload, "a confirmation")
        stream = try answer.string("stream")
        sequence = try answer.number("seq")
        isDuplicate = answer.bool("duplicate")
    }
}

/// The answer to a request that deletes or removes.
public struct Success: JetStreamReply {
    /// The number of removed messages; 0 if the request removes something else.
    public let purgedCount: UInt64

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if JetStream refused the request.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let answer = try JetStreamAnswer(payload, "a success")
        guard answer.bool("success") else { throw .badAnswer("a success") }
        purgedCount = answer.optionalNumber("purged") ?? 0
    }
}

/// A page of streams' names.
public struct StreamNames: JetStreamReply {
    /// The names on this page.
    public let names: [String]
    /// The number of streams on all pages.
    public let total: Int

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if JetStream refused the request.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let answer = try JetStreamAnswer(payload, "a list of streams")
        names = answer.strings("streams")
        total = Int(clamping: try answer.number("total"))
    }
}

/// A stream's configuration and state.
public struct StreamInformation: JetStreamReply {
    /// The name.
    public let name: String
    /// The subjects whose messages the stream stores.
    public let subjects: [String]
    /// The sequence of the first message; one more than ``lastSequence`` if there is none.
    public let firstSequence: UInt64
    /// The sequence of the last message, also if it was removed; 0 if there was none.
    public let lastSequence: UInt64
    /// The number of messages.
    public let messageCount: UInt64
    /// The size of the messages in bytes.
    public let byteCount: UInt64
    /// The number of consumers.
    public let consumerCount: Int
    /// The number of servers that should store each message.
    public let replicas: Int
    /// The maximum size in bytes; nil for no limit.
    public let maximumBytes: Int64?
    /// Whether every server that stores the stream may answer for it.
    public let allowsDirect: Bool
    /// The name of the server that leads the stream; nil if there is none, or if the server is not in a cluster.
    public let leader: String?
    /// The number of other servers that have all messages.
    public let currentReplicas: Int
    /// The number of messages of each subject, if the request asked for that.
    public let subjectCounts: [String: UInt64]

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if JetStream refused the request.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let answer = try JetStreamAnswer(payload, "a stream's state")
        let configuration = try answer.object("config")
        let state = try answer.object("state")
        name = try configuration.string("name")
        subjects = configuration.strings("subjects")
        replicas = Int(clamping: try configuration.number("num_replicas"))
        maximumBytes = configuration.limit("max_bytes")
        allowsDirect = configuration.bool("allow_direct")
        firstSequence = try state.number("first_seq")
        lastSequence = try state.number("last_seq")
        messageCount = try state.number("messages")
        byteCount = try state.number("bytes")
        consumerCount = Int(clamping: try state.number("consumer_count"))
        subjectCounts = state.numbers("subjects")
        let cluster = answer.optionalObject("cluster")
        leader = cluster?.optionalString("leader")
        currentReplicas = cluster?.objects("replicas").count { $0.bool("current") } ?? 0
    }
}

/// A consumer's state.
public struct ConsumerInformation: JetStreamReply {
    /// The stream.
    public let stream: String
    /// The name.
    public let name: String
    /// The sequence in the stream of the last delivered message; 0 if none was delivered.
    public let deliveredSequence: UInt64
    /// The number of messages that are still to be delivered.
    public let pendingCount: UInt64

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if JetStream refused the request.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let answer = try JetStreamAnswer(payload, "a consumer's state")
        stream = try answer.string("stream_name")
        name = try answer.string("name")
        deliveredSequence = try answer.object("delivered").number("stream_seq")
        pendingCount = try answer.number("num_pending")
    }
}
#endif

#if Cluster
import Wire

/// A request to JetStream: a message that its servers answer with JSON.
public struct APIRequest: Equatable, Sendable {
    /// The subject.
    public let subject: String
    /// The payload; empty if the request needs none.
    public let body: [UInt8]
}

/// The requests of JetStream's protocol (<https://docs.nats.io/reference/reference-protocols/nats_api_reference>). They
/// are values; ``Connection/request(_:timeoutMilliseconds:)`` and ``Inbox/send(_:)`` send them.
public enum JetStream {
    private static let prefix = "$JS.API"

    private static func request(_ subject: String, _ members: [String: JSONValue] = [:]) -> APIRequest {
        APIRequest(
            subject: "\(prefix).\(subject)", body: members.isEmpty ? [] : JSONValue.object(members).jetStreamText)
    }

    /// Asks whether JetStream is enabled for this user.
    public static let accountInformation = request("INFO")

    // MARK: Streams

    /// Creates a stream. JetStream accepts the request again for a stream with the same configuration. The answer is
    /// read by ``StreamInformation``.
    public static func create(_ stream: StreamConfiguration) -> APIRequest {
        request("STREAM.CREATE.\(stream.name)", stream.members)
    }

    /// Changes a stream. The answer is read by ``StreamInformation``.
    public static func update(_ stream: StreamConfiguration) -> APIRequest {
        request("STREAM.UPDATE.\(stream.name)", stream.members)
    }

    /// Deletes a stream and its messages. The answer is read by ``Success``.
    public static func deleteStream(_ name: String) -> APIRequest { request("STREAM.DELETE.\(name)") }

    /// Asks for a stream's state.
    ///
    /// - Parameters:
    ///   - name: The stream.
    ///   - subjects: Also the number of messages of each subject that this filter matches; nil for none. The server
    ///     gives at most 100,000 subjects.
    /// - Returns: The request, whose answer ``StreamInformation`` reads.
    public static func streamInformation(_ name: String, subjects: String? = nil) -> APIRequest {
        request("STREAM.INFO.\(name)", subjects.map { ["subjects_filter": .string($0)] } ?? [:])
    }

    /// Asks for a page of at most 1,024 names of streams.
    ///
    /// - Parameters:
    ///   - offset: The number of names to skip.
    ///   - subject: Only streams that store this subject; nil for all streams.
    /// - Returns: The request, whose answer ``StreamNames`` reads.
    public static func streamNames(from offset: Int = 0, storing subject: String? = nil) -> APIRequest {
        var members: [String: JSONValue] = ["offset": .integer(Int64(offset))]
        if let subject { members["subject"] = .string(subject) }
        return request("STREAM.NAMES", members)
    }

    /// Removes messages of a stream.
    ///
    /// - Parameters:
    ///   - stream: The stream.
    ///   - sequence: Only messages before this sequence; nil for no limit.
    ///   - subject: Only messages of this subject, which may have wildcards; nil for all.
    ///   - keep: The number of last messages to keep; nil for none. Not together with `sequence`.
    /// - Returns: The request, whose answer ``Success`` reads.
    public static func purge(
        _ stream: String, before sequence: UInt64? = nil, subject: String? = nil, keep: UInt64? = nil
    ) -> APIRequest {
        var members: [String: JSONValue] = [:]
        if let sequence { members["seq"] = JSONValue(sequence) }
        if let subject { members["filter"] = .string(subject) }
        if let keep { members["keep"] = JSONValue(keep) }
        return request("STREAM.PURGE.\(stream)", members)
    }

    /// Asks the stream's leader for the message at a sequence. The answer is read by ``StoredMessage``.
    public static func message(at sequence: UInt64, in stream: String) -> APIRequest {
        request("STREAM.MSG.GET.\(stream)", ["seq": JSONValue(sequence)])
    }

    /// Asks any server that stores a stream for the message at a sequence. The stream must allow it; see
    /// ``StreamConfiguration/allowsDirect``. The answer is the message itself, or a ``Message/status`` if that server does
    /// not have the message, perhaps because it is behind.
    public static func directMessage(at sequence: UInt64, in stream: String) -> APIRequest {
        request("DIRECT.GET.\(stream)", ["seq": JSONValue(sequence)])
    }

    /// Asks for the last message of a subject. The answer is read by ``StoredMessage``.
    ///
    /// A leader that another has deposed without its knowledge may answer. Where an older message would do harm, ask for
    /// the message at a sequence.
    public static func lastMessage(of subject: String, in stream: String) -> APIRequest {
        request("STREAM.MSG.GET.\(stream)", ["last_by_subj": .string(subject)])
    }

    // MARK: Consumers

    /// Creates a consumer. The answer is read by ``ConsumerInformation``.
    public static func create(_ consumer: ConsumerConfiguration) -> APIRequest {
        request(
            "CONSUMER.CREATE.\(consumer.stream).\(consumer.name)",
            ["stream_name": .string(consumer.stream), "config": .object(consumer.members)])
    }

    /// Asks for a consumer's state. The answer is read by ``ConsumerInformation``.
    public static func consumerInformation(_ name: String, of stream: String) -> APIRequest {
        request("CONSUMER.INFO.\(stream).\(name)")
    }

    /// Deletes a consumer. The answer is read by ``Success``.
    public static func deleteConsumer(_ name: String, of stream: String) -> APIRequest {
        request("CONSUMER.DELETE.\(stream).\(name)")
    }

    /// Asks a consumer for messages. They arrive at the subject for answers, each with its ``Message/delivery``, and
    /// then perhaps a ``Message/status``.
    ///
    /// - Parameters:
    ///   - batch: The maximum number of messages.
    ///   - maximumBytes: The maximum size of all messages together; nil for no limit. A larger message ends the request
    ///     with the status 409.
    ///   - expires: The time that the server keeps the request open, in nanoseconds; nil to answer at once with what
    ///     the stream has.
    ///   - heartbeat: The time of silence after which the server sends a heartbeat, in nanoseconds; nil for none. At
    ///     most half of `expires`.
    ///   - consumer: The consumer.
    ///   - stream: The stream.
    /// - Returns: The request.
    public static func pull(
        _ batch: Int, maximumBytes: Int? = nil, expires: Int64?, heartbeat: Int64? = nil, from consumer: String,
        of stream: String
    ) -> APIRequest {
        var body = "{\"batch\":\(batch)"
        if let maximumBytes { body += ",\"max_bytes\":\(maximumBytes)" }
        if let expires { body += ",\"expires\":\(expires)" } else { body += ",\"no_wait\":true" }
        if let heartbeat { body += ",\"idle_heartbeat\":\(heartbeat)" }
        return APIRequest(
            subject: "\(prefix).CONSUMER.MSG.NEXT.\(stream).\(consumer)", body: Array((body + "}").utf8))
    }
}

extension Connection {
    /// Sends a request to JetStream and waits for its answer.
    ///
    /// - Throws: ``NATSError``, with a remedy if JetStream is not there.
    public func request(_ request: APIRequest, timeoutMilliseconds milliseconds: Int) throws(NATSError) -> Message {
        do throws(NATSError) {
            return try self.request(request.subject, request.body.span, timeoutMilliseconds: milliseconds)
        } catch {
            guard error.code == .noResponders else { throw error }
            throw NATSError(
                .noResponders, operation: "use JetStream at", context: connectedURL ?? servers,
                problem: "no server offers it; start NATS with -js or a jetstream block, and wait until it has a leader"
            )
        }
    }
}
#endif

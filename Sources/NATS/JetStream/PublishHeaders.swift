#if Cluster
/// The headers with which a message tells JetStream when to store it.
public struct PublishHeaders: Equatable, Sendable {
    /// The sequence of the last message in the stream; nil to accept any.
    public var lastSequence: UInt64?
    /// The sequence of the last message with the same subject; nil to accept any.
    ///
    /// nats-server 2.9.10 lets two writers win with this expectation. Nothing that must be safe may depend on it.
    public var lastSubjectSequence: UInt64?
    /// The name by which JetStream recognizes a message that it has stored already; nil for none.
    public var messageID: String?
    /// The stream that must store the message; nil to accept any.
    public var stream: String?

    /// Creates headers. Each parameter sets the property of the same name.
    public init(
        lastSequence: UInt64? = nil, lastSubjectSequence: UInt64? = nil, messageID: String? = nil, stream: String? = nil
    ) {
        self.lastSequence = lastSequence
        self.lastSubjectSequence = lastSubjectSequence
        self.messageID = messageID
        self.stream = stream
    }

    /// The headers for ``Connection/publish(_:_:reply:headers:)``.
    public var list: [(String, String)] {
        var list: [(String, String)] = []
        if let lastSequence { list.append(("Nats-Expected-Last-Sequence", "\(lastSequence)")) }
        if let lastSubjectSequence { list.append(("Nats-Expected-Last-Subject-Sequence", "\(lastSubjectSequence)")) }
        if let messageID { list.append(("Nats-Msg-Id", messageID)) }
        if let stream { list.append(("Nats-Expected-Stream", stream)) }
        return list
    }
}
#endif

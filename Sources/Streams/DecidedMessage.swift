public import Wire

/// A message that was decided on: whose it is, and what is to be published. Keeps its memory from message to message.
public struct DecidedMessage {
    /// What is past `idCount` is left over.
    private var idMemory = [UInt8](repeating: 0, count: StreamID.maximumLength)
    private var idCount = 0
    /// The records to publish; none for a message whose decisions the policy does not publish.
    public internal(set) var decisions = DecisionRecords()
    /// ``DropCause/tooLong`` where the message was taken and its sequence given up.
    public internal(set) var drop: DropCause?

    /// No message yet.
    public init() {}

    /// The stream's id.
    public var id: Span<UInt8> {
        @_lifetime(borrow self) get { idMemory.span.extracting(..<idCount) }
    }

    /// Begins with another message.
    mutating func begin(_ id: Span<UInt8>) {
        idCount = id.count
        var memory = idMemory.mutableSpan
        for index in id.indices { memory[index] = id[index] }
        decisions.removeAll()
        drop = nil
    }
}

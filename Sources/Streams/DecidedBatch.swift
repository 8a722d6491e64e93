import Recurrent
public import Wire

/// What was decided on a batch: of each message whose stream it is, and what is to be published of it. Keeps its memory from
/// batch to batch.
///
///     records:  | records of message 0 | records of message 1 | …      none for a message whose decisions are not published
public struct DecidedBatch: ~Copyable {
    /// A message whose timesteps were taken and whose sequence was given up, as it became too long.
    public struct Drop {
        /// The message's number.
        public let message: Int
        /// ``DropCause/tooLong``.
        public let cause: DropCause
    }

    struct Message: BitwiseCopyable {
        let slot: UInt32
        let recordsStart: UInt32
        let recordsEnd: UInt32
    }

    /// The records of all messages, in their order.
    public internal(set) var records = DecisionRecords()
    /// Sequences that were given up.
    public private(set) var drops: [Drop] = []
    private var messages = GrowingBuffer<Message>()

    /// Nothing yet.
    public init() {}

    /// How many messages there are.
    public var count: Int { messages.count }

    /// The slot of the stream of a message, for ``StreamTable/idBytes(of:)``.
    @inline(__always)
    public func slot(of message: Int) -> Int { Int(messages[message].slot) }

    /// The second frame of what is to be published of a message; empty where nothing is.
    @inline(__always)
    @_lifetime(borrow self)
    public func records(of message: Int) -> Span<UInt8> {
        records.bytes.extracting(Int(messages[message].recordsStart)..<Int(messages[message].recordsEnd))
    }

    mutating func removeAll() {
        records.removeAll()
        if !drops.isEmpty { drops = [] }
        messages.removeAll()
    }

    /// Ends a message of a stream, whose records from so many bytes on were added.
    @inline(__always)
    mutating func end(_ slot: Int, from start: Int, _ drop: DropCause? = nil) {
        if let drop { drops.append(Drop(message: count, cause: drop)) }
        messages.append(
            Message(slot: UInt32(slot), recordsStart: UInt32(start), recordsEnd: UInt32(records.byteCount)))
    }
}

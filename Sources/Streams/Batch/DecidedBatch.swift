import Recurrent
public import Wire

/// What was decided, on one batch or on several: of each message of which something is to be published, whose stream it is, and
/// what. Keeps its memory when it is emptied.
///
///     records:  | records of message 0 | records of message 1 | …
public struct DecidedBatch: ~Copyable {
    /// A message whose timesteps were taken and whose sequence was given up, as it became too long.
    public struct Drop {
        /// The slot of the message's stream, for ``StreamTable/idBytes(of:)``.
        public let slot: Int
        /// ``DropCause/tooLong``.
        public let cause: DropCause
    }

    struct Message: BitwiseCopyable {
        let slot: UInt32
        /// Where its records end, and those of the next message begin.
        let recordsEnd: UInt32
    }

    /// When the last batch was decided on, in nanoseconds since the Unix epoch; nil where none was.
    public internal(set) var time: Int64?
    /// The records of all messages, in their order.
    public internal(set) var records: DecisionRecords
    /// Sequences that were given up.
    public private(set) var drops: [Drop] = []
    private var messages: GrowingBuffer<Message>

    /// Nothing yet.
    ///
    /// - Parameter capacity: For how many messages, of one record of 32 bytes each, there is room at first.
    public init(capacity: Int = 8) {
        records = DecisionRecords(byteCapacity: 32 * capacity)
        messages = GrowingBuffer(capacity: capacity)
    }

    /// Whether it is so much that it is published before more is decided on: as many records as a full batch of messages of one
    /// timestep has.
    public var isLarge: Bool { records.count >= MessageBatch.maximumMessages }

    /// How many messages there are of which something is to be published.
    public var count: Int { messages.count }

    /// The slot of the stream of a message, for ``StreamTable/idBytes(of:)``.
    @inline(__always)
    public func slot(of message: Int) -> Int { Int(messages[message].slot) }

    /// The second frame of what is to be published of a message.
    @inline(__always)
    @_lifetime(borrow self)
    public func records(of message: Int) -> Span<UInt8> {
        let start = message == 0 ? 0 : Int(messages[message - 1].recordsEnd)
        return records.bytes.extracting(start..<Int(messages[message].recordsEnd))
    }

    /// Forgets what was decided.
    public mutating func removeAll() {
        time = nil
        records.removeAll()
        if !drops.isEmpty { drops = [] }
        messages.removeAll()
    }

    /// Ends a message of a stream, whose records were added.
    @inline(__always)
    mutating func end(_ slot: Int, _ drop: DropCause?) {
        if let drop { drops.append(Drop(slot: slot, cause: drop)) }
        let end = records.byteCount
        let isPublished = end > (count == 0 ? 0 : Int(messages[count - 1].recordsEnd))
        if isPublished { messages.append(Message(slot: UInt32(slot), recordsEnd: UInt32(end))) }
    }
}

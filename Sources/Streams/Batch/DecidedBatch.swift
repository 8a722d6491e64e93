import Recurrent
public import Wire

/// The decisions on one or more batches, grouped by message. Messages without published decisions are omitted. The
/// capacity is kept when the batch is emptied.
///
///     records:  | records of message 0 | records of message 1 | …
public struct DecidedBatch: ~Copyable {
    /// A message that was consumed, but whose sequence was dropped because of its length.
    public struct Drop {
        /// The slot of the message's stream, for ``StreamTable/idBytes(of:)``.
        public let slot: Int
        /// The cause: ``DropCause/tooLong`` or ``DropCause/tooShort``.
        public let cause: DropCause
    }

    struct Message: BitwiseCopyable {
        let slot: UInt32
        /// The end of the message's records, in bytes. The next message's records begin there.
        let recordsEnd: UInt32
    }

    /// A message of a stream that publishes only changes.
    struct NotedMessage: BitwiseCopyable {
        let slot: UInt32
        /// The end of the message's outputs within ``DecisionRecords/noted``. The next message's outputs begin there.
        let end: UInt32
    }

    /// The time of the last batch in nanoseconds since the Unix epoch; nil before the first batch.
    public internal(set) var time: Int64?
    /// The records of all messages, in order.
    public internal(set) var records: DecisionRecords
    /// The dropped sequences.
    public private(set) var drops: [Drop] = []
    private var messages: GrowingBuffer<Message>
    /// The messages whose outputs are in ``DecisionRecords/noted``, published or not.
    private(set) var noted = GrowingBuffer<NotedMessage>()

    /// Creates an empty batch.
    ///
    /// - Parameter capacity: The number of messages to reserve room for, at one record of 32 bytes each.
    public init(capacity: Int = 8) {
        records = DecisionRecords(byteCapacity: 32 * capacity)
        messages = GrowingBuffer(capacity: capacity)
    }

    /// Whether the decisions must be published before more are added. The limit is the number of records that a full
    /// batch produces if each message has one timestep.
    public var isLarge: Bool { records.count >= MessageBatch.maximumMessages }

    /// The number of messages with published decisions.
    public var count: Int { messages.count }

    /// The slot of a message's stream, for ``StreamTable/idBytes(of:)``.
    @inline(__always)
    public func slot(of message: Int) -> Int { Int(messages[message].slot) }

    /// The records of a message, which become the second frame of the published message.
    @inline(__always)
    @_lifetime(borrow self)
    public func records(of message: Int) -> Span<UInt8> { records(of: message..<(message + 1)) }

    /// The records of consecutive messages.
    @inline(__always)
    @_lifetime(borrow self)
    func records(of run: Range<Int>) -> Span<UInt8> {
        let start = run.lowerBound == 0 ? 0 : Int(messages[run.lowerBound - 1].recordsEnd)
        return records.bytes.extracting(start..<Int(messages[run.upperBound - 1].recordsEnd))
    }

    /// Removes all decisions.
    public mutating func removeAll() {
        time = nil
        records.removeAll()
        if !drops.isEmpty { drops = [] }
        messages.removeAll()
        noted.removeAll()
    }

    /// Completes a message after its records have been appended.
    @inline(__always)
    mutating func end(_ slot: Int, _ drop: DropCause?) {
        if let drop { drops.append(Drop(slot: slot, cause: drop)) }
        let end = records.byteCount
        let isPublished = end > (count == 0 ? 0 : Int(messages[count - 1].recordsEnd))
        if isPublished { messages.append(Message(slot: UInt32(slot), recordsEnd: UInt32(end))) }
        if !records.noted.isEmpty { endNoted(slot) }
    }

    private mutating func endNoted(_ slot: Int) {
        let end = UInt32(records.noted.count)
        let isNoted = end > (noted.count == 0 ? 0 : noted[noted.count - 1].end)
        if isNoted { noted.append(NotedMessage(slot: UInt32(slot), end: end)) }
    }
}

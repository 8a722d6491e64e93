public import Wire

/// What was decided on a batch: of each message whose stream it is, and what is to be published of it. Keeps its memory from
/// batch to batch.
///
///     ids:      | id of message 0 | id of message 1 | …
///     records:  | records of 0    | records of 1    | …      none for a message whose decisions are not published
public struct DecidedBatch {
    /// A message whose timesteps were taken and whose sequence was given up, as it became too long.
    public struct Drop {
        /// The message's number.
        public let message: Int
        /// ``DropCause/tooLong``.
        public let cause: DropCause
    }

    /// The records of all messages, in their order.
    public internal(set) var records = DecisionRecords()
    /// Sequences that were given up.
    public private(set) var drops: [Drop] = []
    private var ids: [UInt8] = []
    /// Where the id and the records of each message end.
    private var ends: [(id: Int, records: Int)] = []

    /// Nothing yet.
    public init() {}

    /// How many messages there are.
    public var count: Int { ends.count }

    /// The id of the stream of a message.
    @_lifetime(borrow self)
    public func id(of message: Int) -> Span<UInt8> {
        ids.span.extracting((message == 0 ? 0 : ends[message - 1].id)..<ends[message].id)
    }

    /// The second frame of what is to be published of a message; empty where nothing is.
    @_lifetime(borrow self)
    public func records(of message: Int) -> Span<UInt8> {
        records.bytes.extracting((message == 0 ? 0 : ends[message - 1].records)..<ends[message].records)
    }

    mutating func removeAll() {
        records.removeAll()
        if !drops.isEmpty { drops = [] }
        ids.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Ends a message, whose records were added.
    mutating func end(_ id: Span<UInt8>, _ drop: DropCause? = nil) {
        unsafe id.withUnsafeBufferPointer { unsafe ids.append(contentsOf: $0) }
        if let drop { drops.append(Drop(message: count, cause: drop)) }
        ends.append((ids.count, records.bytes.count))
    }
}

import Wire

/// The messages that an owner has yet to write to the chain. While a write is under way, the next message gathers.
struct Outbox {
    /// A message to write.
    struct Message {
        let kind: ChainEntry.Kind
        /// The last sequence number of the log whose decisions the chain has with this message; nil if the message has
        /// no decisions.
        var through: UInt64?
        var isPartial = false
        var body: [UInt8]
        /// The answers to control records that wait until the message is stored.
        var answers: [PartitionTable.Answered] = []
    }

    /// The maximum number of bytes of items in one message of the chain.
    static let maximumItems = ChainEntry.maximumLength - ChainEntry.headLength
    /// The number of bytes that may wait before no more of the log is read.
    private static let fullBytes = 1 << 20

    /// The complete messages, in order.
    private var messages: [Message] = []
    /// The items of the message that still gathers.
    private var items: [UInt8] = []
    private var answers: [PartitionTable.Answered] = []
    /// The last message of the log whose items are in ``items``.
    private var through: UInt64 = 0
    private var waitingBytes = 0

    /// Whether more decisions may be added.
    var hasRoom: Bool { waitingBytes + items.count < Self.fullBytes }

    /// Whether nothing waits.
    var isEmpty: Bool { messages.isEmpty && items.isEmpty && answers.isEmpty }

    /// Adds the items of the next message of the log.
    ///
    /// - Parameters:
    ///   - sequence: The sequence number of the message.
    ///   - append: Appends the items, and returns the answer to a control record in the message.
    /// - Throws: The error of `append`.
    mutating func add<Failure: Error>(
        _ sequence: UInt64, _ append: (inout [UInt8]) throws(Failure) -> PartitionTable.Answered?
    ) throws(Failure) {
        let before = items.count
        let answered = try append(&items)
        if items.count > Self.maximumItems { divide(before: before, at: sequence) }
        through = sequence
        if let answered { answers.append(answered) }
    }

    /// Completes the items of earlier messages of the log, and all but the last part of the newest message's items.
    private mutating func divide(before: Int, at sequence: UInt64) {
        let parts = ChainItem.parts(of: items[before...], limit: Self.maximumItems)
        if before > 0 { complete(items[..<before], through: through) }
        for part in parts.dropLast() { complete(items[part], through: sequence - 1, isPartial: true) }
        items.removeFirst(parts.last?.lowerBound ?? before)
    }

    private mutating func complete(_ body: ArraySlice<UInt8>, through: UInt64, isPartial: Bool = false) {
        messages.append(
            Message(kind: .decisions, through: through, isPartial: isPartial, body: Array(body), answers: answers))
        answers = []
        waitingBytes += body.count
    }

    /// Adds an answer that is sent once everything that was added before is stored.
    mutating func add(_ answered: PartitionTable.Answered) {
        if items.isEmpty, answers.isEmpty, !messages.isEmpty {
            messages[messages.count - 1].answers.append(answered)
        } else {
            answers.append(answered)
        }
    }

    /// Adds a manifest behind everything that was added before.
    mutating func add(manifest: [UInt8]) {
        completeItems()
        messages.append(Message(kind: .manifest, body: manifest))
    }

    private mutating func completeItems() {
        guard !items.isEmpty || !answers.isEmpty else { return }
        complete(items[...], through: through)
        items.removeAll(keepingCapacity: true)
    }

    /// Takes the next message to write; nil if nothing waits.
    mutating func next() -> Message? {
        if messages.isEmpty { completeItems() }
        guard !messages.isEmpty else { return nil }
        let message = messages.removeFirst()
        if message.kind == .decisions { waitingBytes -= message.body.count }
        return message
    }
}

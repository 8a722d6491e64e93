package import Wire

/// The end of a partition's chain, as its owner sees it. A write expects the message before it, so NATS stores it only
/// if nobody else has written.
///
/// One write is under way at a time; meanwhile, the next one gathers. With several under way, a deposed owner could
/// break the chain: behind the claim of the next owner, its second write would find the sequence number that it expects.
package struct Chain: Equatable, Sendable {
    /// A message to write to `OUT_p`.
    package struct Write: Equatable, Sendable {
        /// The kind of message, which determines the subject.
        package let kind: ChainEntry.Kind
        /// The whole message.
        package let bytes: [UInt8]
        /// The sequence number that the last message of `OUT_p` must have (`Nats-Expected-Last-Sequence`).
        package let expectedLast: UInt64
        /// The sequence number that the message gets.
        package var sequence: UInt64 { expectedLast + 1 }
    }

    /// The sequence number of the last message that NATS has confirmed.
    package private(set) var last: UInt64
    /// The last sequence number of the log whose decisions are in the chain, or in the write under way.
    package private(set) var through: UInt64
    /// The sequence number of the last manifest, stored or under way; 0 for none.
    package private(set) var manifest: UInt64
    /// Whether a write is under way.
    package private(set) var isBusy = false

    /// Begins at the true end of the chain.
    ///
    /// - Parameters:
    ///   - last: The sequence number of the last message; 0 for an empty chain.
    ///   - entry: The head of that message; nil for an empty chain.
    package init(last: UInt64, entry: ChainEntry?) {
        self.last = last
        through = entry?.through ?? 0
        manifest = entry?.manifest ?? 0
    }

    /// Begins to write a message behind the last one.
    ///
    /// - Parameters:
    ///   - kind: The kind of message.
    ///   - through: The last sequence number of the log whose decisions are in the chain with this message; nil if the
    ///     message has no decisions.
    ///   - isPartial: Whether more decisions on the same message of the log follow in the next message.
    ///   - body: The body of the message.
    /// - Returns: The write.
    /// - Precondition: No write is under way.
    package mutating func append(
        _ kind: ChainEntry.Kind, through: UInt64? = nil, isPartial: Bool = false, body: [UInt8]
    ) -> Write {
        precondition(!isBusy, "one write after another")
        isBusy = true
        if kind == .manifest { manifest = last + 1 }
        if let through { self.through = through }
        let entry = ChainEntry(kind, through: self.through, manifest: manifest, isPartial: isPartial)
        return Write(kind: kind, bytes: entry.bytes(body: body), expectedLast: last)
    }

    /// Notes that NATS stored the write under way.
    ///
    /// - Parameter sequence: The sequence number of the message.
    /// - Returns: False if it is not the number that the write expected.
    package mutating func confirm(_ sequence: UInt64) -> Bool {
        guard isBusy, sequence == last + 1 else { return false }
        isBusy = false
        last = sequence
        return true
    }
}

import Recurrent
import Wire

extension TimestepHeader.Flags {
    /// Marks a piece of a message if a later piece of the same message has the flag ``end``. The mark itself is never
    /// sent on the wire.
    static let endsLater = Self(rawValue: 1 << 7)
}

/// One stream's waiting messages, in order of arrival. A message waits until the stream is resumed, until the state is
/// read from the store, or until its turn comes.
struct WaitingTimesteps {
    /// A message, or as much of it as there was room for.
    struct Message {
        let header: TimestepHeader
        /// Shape (count, features).
        let values: [Float]
        let count: Int
        /// The number of leading timesteps that have been admitted.
        fileprivate(set) var taken = 0

        /// The number of timesteps that have not been admitted.
        var rest: Int { count - taken }

        /// Returns a header for the next piece, which is admitted like a separate message.
        ///
        /// - Parameter pieceCount: The number of timesteps in the piece.
        /// - Returns: The header.
        func header(ofNext pieceCount: Int) -> TimestepHeader {
            var header = header
            if taken > 0 {
                header.flags.remove(.start)
                // The addition cannot overflow: when the first piece was admitted, the sequence number of the message's
                // last timestep was checked.
                if header.sequence > 0 { header.sequence += UInt64(taken) }
            }
            if pieceCount < rest, header.flags.remove(.end) != nil { header.flags.insert(.endsLater) }
            return header
        }
    }

    /// The messages. The first ``settled`` of them are done and have been emptied.
    private var messages: [Message] = []
    private var settled = 0
    /// The number of timesteps, over all messages, that have not been admitted.
    private(set) var count = 0
    /// The total size of all messages, in bytes.
    private(set) var byteCount = 0
    /// Whether the backlog counts the bytes of these messages.
    var isCounted = false
    /// Whether the stream is in the backlog's queue.
    var isQueued = false
    /// Whether a piece of the first message is in the batch.
    private(set) var isBeingTaken = false

    var isEmpty: Bool { settled == messages.count }
    /// The first message. There must be one.
    var first: Message { messages[settled] }

    mutating func append(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.append(Message(header: header, values: values, count: count))
        self.count += count
        byteCount += values.count * MemoryLayout<Float>.size
    }

    /// Records that the next piece of the first message has been added to the batch.
    mutating func take(_ pieceCount: Int) {
        messages[settled].taken += pieceCount
        count -= pieceCount
        isBeingTaken = true
    }

    /// Records that the last timesteps of the piece were not admitted after all.
    mutating func putBack(_ restCount: Int) {
        messages[settled].taken -= restCount
        count += restCount
    }

    /// Completes a piece. If it was the last piece of the first message, removes the message.
    ///
    /// - Returns: The size of the removed message in bytes; 0 if more pieces remain.
    mutating func settle() -> Int {
        isBeingTaken = false
        return first.rest == 0 ? removeFirst() : 0
    }

    /// Removes the first message.
    ///
    /// - Returns: The size of the message in bytes.
    mutating func removeFirst() -> Int {
        let bytes = first.values.count * MemoryLayout<Float>.size
        count -= first.rest
        byteCount -= bytes
        messages[settled] = Message(header: TimestepHeader(), values: [], count: 0)
        settled += 1
        // Compact once at least half of the messages are done, so that each message is moved about once.
        if 2 * settled >= messages.count {
            messages.removeFirst(settled)
            settled = 0
        }
        return bytes
    }

    /// Inserts a message in front of all others.
    mutating func prepend(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.insert(Message(header: header, values: values, count: count), at: settled)
        self.count += count
        byteCount += values.count * MemoryLayout<Float>.size
    }
}

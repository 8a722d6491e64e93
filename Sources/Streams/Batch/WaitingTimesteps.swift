import Recurrent
import Wire

extension TimestepHeader.Flags {
    /// A later piece of the message has the flag ``end``. Never sent on the wire.
    static let endsLater = Self(rawValue: 1 << 7)
}

/// The waiting messages of one stream in order of arrival. They wait until the stream is resumed, until its state is read from
/// the store, or for their turn.
struct WaitingTimesteps {
    /// A message, or the part of a message that fitted.
    struct Message {
        let header: TimestepHeader
        /// Shape (count, features).
        let values: [Float]
        let count: Int
        /// The number of leading timesteps that were admitted.
        fileprivate(set) var taken = 0

        /// The number of timesteps that were not admitted.
        var rest: Int { count - taken }

        /// The header of the next piece, which is admitted like a message of its own.
        ///
        /// - Parameter pieceCount: The number of timesteps in the piece.
        /// - Returns: The header.
        func header(ofNext pieceCount: Int) -> TimestepHeader {
            var header = header
            if taken > 0 {
                header.flags.remove(.start)
                // The addition cannot overflow. The first piece was checked with the number of the message's last timestep.
                if header.sequence > 0 { header.sequence += UInt64(taken) }
            }
            if pieceCount < rest, header.flags.remove(.end) != nil { header.flags.insert(.endsLater) }
            return header
        }
    }

    /// The messages. The first ``settled`` ones are done and empty.
    private var messages: [Message] = []
    private var settled = 0
    /// The number of timesteps in all messages that were not admitted.
    private(set) var count = 0
    /// The size of all messages in bytes.
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

    /// Records that the next piece of the first message is in the batch.
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

    /// Completes a piece.
    ///
    /// - Returns: The size in bytes of the first message if this was its last piece; otherwise 0. A complete message is
    ///   removed.
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
        // Compacts when half of the messages are done, so that each message moves about once.
        if 2 * settled >= messages.count {
            messages.removeFirst(settled)
            settled = 0
        }
        return bytes
    }

    /// Inserts a message before all others.
    mutating func prepend(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.insert(Message(header: header, values: values, count: count), at: settled)
        self.count += count
        byteCount += values.count * MemoryLayout<Float>.size
    }
}

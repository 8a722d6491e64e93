import Recurrent
import Wire

extension TimestepHeader.Flags {
    /// A later piece of the message has the flag ``end``. Never on the wire.
    static let endsLater = Self(rawValue: 1 << 7)
}

/// What waits for one stream, in the order in which it came: for the stream to be resumed, for its state to be read from the
/// store, or for its turn.
struct WaitingTimesteps {
    /// One message, or the part of it for which there was room.
    struct Message {
        let header: TimestepHeader
        /// Shape (count, features).
        let values: [Float]
        let count: Int
        /// How many of its timesteps, from the first on, were taken.
        fileprivate(set) var taken = 0

        /// Timesteps that were not taken.
        var rest: Int { count - taken }

        /// The header of its next piece, as a message of its own.
        ///
        /// - Parameter pieceCount: How many timesteps the piece has.
        /// - Returns: The header.
        func header(ofNext pieceCount: Int) -> TimestepHeader {
            var header = header
            if taken > 0 {
                header.flags.remove(.start)
                // Checked with the first piece: the number of the last timestep is one.
                if header.sequence > 0 { header.sequence += UInt64(taken) }
            }
            if pieceCount < rest, header.flags.remove(.end) != nil { header.flags.insert(.endsLater) }
            return header
        }
    }

    /// The first of them are settled and not there any more.
    private var messages: [Message] = []
    private var settled = 0
    /// Timesteps in all messages that were not taken.
    private(set) var count = 0
    /// Bytes of all messages.
    private(set) var byteCount = 0
    /// Its bytes count among the backlog's.
    var isCounted = false
    /// It has a place in the backlog's queue.
    var isQueued = false
    /// A piece of the first message is in the batch.
    private(set) var isBeingTaken = false

    var isEmpty: Bool { settled == messages.count }
    /// The first message; there is one.
    var first: Message { messages[settled] }

    mutating func append(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.append(Message(header: header, values: values, count: count))
        self.count += count
        byteCount += values.count * MemoryLayout<Float>.size
    }

    /// Notes that the next piece of the first message is in the batch.
    mutating func take(_ pieceCount: Int) {
        messages[settled].taken += pieceCount
        count -= pieceCount
        isBeingTaken = true
    }

    /// Notes that the last timesteps of the piece were not taken after all.
    mutating func putBack(_ restCount: Int) {
        messages[settled].taken -= restCount
        count += restCount
    }

    /// Ends the taking of a piece.
    ///
    /// - Returns: Bytes of the first message, if that was its last piece; it is not there any more.
    mutating func settle() -> Int {
        isBeingTaken = false
        return first.rest == 0 ? removeFirst() : 0
    }

    /// Removes the first message.
    ///
    /// - Returns: Its bytes.
    mutating func removeFirst() -> Int {
        let bytes = first.values.count * MemoryLayout<Float>.size
        count -= first.rest
        byteCount -= bytes
        messages[settled] = Message(header: TimestepHeader(), values: [], count: 0)
        settled += 1
        // Half of them at a time, so that each is moved about once.
        if 2 * settled >= messages.count {
            messages.removeFirst(settled)
            settled = 0
        }
        return bytes
    }

    /// Puts what comes before all that is there.
    mutating func prepend(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.insert(Message(header: header, values: values, count: count), at: settled)
        self.count += count
        byteCount += values.count * MemoryLayout<Float>.size
    }
}

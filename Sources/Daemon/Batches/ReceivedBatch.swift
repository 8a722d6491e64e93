import Streams
import Wire
import ZeroMQ

/// A received message in the codec `batch`, and the loop's progress through it. The buffers are reused for the next
/// message.
struct ReceivedBatch: ~Copyable {
    private(set) var header = Message()
    private(set) var streams = Message()
    private(set) var values = Message()
    private(set) var sequences = Message()
    private(set) var flags = Message()
    /// The number of frames in the message. Frames beyond the fifth are counted but discarded.
    private(set) var frameCount = 0
    /// The layout of the message whose entries are being admitted; nil if there is none.
    private(set) var layout: BatchLayout?
    /// The dictionary of the message; nil if the message has ids.
    private(set) var numbered: NumberedStreams?
    /// The index of the next entry to admit.
    private(set) var next = 0
    /// The first entry for which the table has not looked ahead yet.
    var lookedAhead = 0

    /// Receives the next message, if there is one. The previous message must be finished.
    ///
    /// - Returns: Whether a message was received.
    mutating func receive(from socket: borrowing Socket, waits: Bool) throws(ZeroMQError) -> Bool {
        guard try socket.receive(into: &header, wait: waits) else { return false }
        frameCount = 1
        var hasMore = header.hasMore
        // libzmq delivers all frames of a message together, so these calls do not wait.
        hasMore = try Self.receive(into: &streams, if: hasMore, &frameCount, from: socket)
        hasMore = try Self.receive(into: &values, if: hasMore, &frameCount, from: socket)
        hasMore = try Self.receive(into: &sequences, if: hasMore, &frameCount, from: socket)
        hasMore = try Self.receive(into: &flags, if: hasMore, &frameCount, from: socket)
        if hasMore { try receiveRest(from: socket) }
        return true
    }

    /// Discards the frames beyond the fifth.
    private mutating func receiveRest(from socket: borrowing Socket) throws(ZeroMQError) {
        var rest = Message()
        while try Self.receive(into: &rest, if: true, &frameCount, from: socket) {}
    }

    /// Receives the next frame of a message; empties `frame` if there is none.
    ///
    /// - Returns: Whether another frame follows.
    private static func receive(
        into frame: inout Message, if isThere: Bool, _ count: inout Int, from socket: borrowing Socket
    ) throws(ZeroMQError) -> Bool {
        guard isThere else {
            frame.removeAll()
            return false
        }
        _ = try socket.receive(into: &frame, wait: true)
        count += 1
        return frame.hasMore
    }

    /// Whether some entries have not been admitted yet.
    var isUnderWay: Bool { layout != nil }

    /// Calls a closure with the length of each frame, except those beyond the fifth.
    func forEachFrame(_ body: (Int) -> Void) {
        body(header.byteCount)
        if frameCount > 1 { body(streams.byteCount) }
        if frameCount > 2 { body(values.byteCount) }
        if frameCount > 3 { body(sequences.byteCount) }
        if frameCount > 4 { body(flags.byteCount) }
    }

    /// Whether a frame has more than `byteCount` bytes.
    func exceeds(_ byteCount: Int) -> Bool {
        streams.byteCount > byteCount || values.byteCount > byteCount || sequences.byteCount > byteCount
            || flags.byteCount > byteCount
    }

    /// Checks the message and begins with its first entry.
    ///
    /// - Parameters:
    ///   - header: The header. Its kind is `ids` or `numbers`.
    ///   - numbered: The dictionary, if the kind is `numbers`.
    /// - Throws: ``DropCause/batch`` if the message is malformed.
    mutating func begin(_ header: BatchHeader, _ numbered: NumberedStreams? = nil) throws(DropCause) {
        guard BatchLayout.frameCounts.contains(frameCount) else { throw .batch }
        let layout = try BatchLayout(
            header,
            BatchLayout.Frames(
                streams: streams.rawBytes, values: values.rawBytes, sequences: sequences.rawBytes,
                flags: flags.rawBytes))
        if let numbered {
            try layout.check(numbersIn: streams.rawBytes, below: numbered.dictionary.count)
        }
        self.layout = layout
        self.numbered = numbered
        (next, lookedAhead) = (0, 0)
    }

    /// Reads the message as a dictionary.
    ///
    /// - Parameters:
    ///   - header: The header. Its kind is `dictionary`.
    ///   - known: The known dictionary with the header's hash, if there is one.
    /// - Returns: The dictionary; nil if it is known.
    /// - Throws: ``DropCause/batch`` or ``DropCause/dictionary`` if the message is not a valid dictionary.
    func dictionary(_ header: BatchHeader, known: StreamDictionary?) throws(DropCause) -> StreamDictionary? {
        guard frameCount == StreamDictionary.frameCount else { throw .batch }
        if known?.isAnnounced(by: header, column: streams.bytes) ?? false { return nil }
        return try StreamDictionary(header, column: streams.bytes)
    }

    /// Goes on to an entry. After the last entry, the message is finished.
    mutating func advance(to entry: Int) {
        next = entry
        if next == layout?.count { layout = nil }
    }
}

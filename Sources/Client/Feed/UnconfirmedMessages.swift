/// The sent messages of an input that cannot be read again. They are kept, within a limit on memory, in case the daemon
/// loses them.
struct UnconfirmedMessages {
    /// The approximate limit on the memory for kept messages, in bytes.
    static let capacity = 64 << 20
    /// The approximate size of a message in bytes, not counting its values and its stream id.
    private static let overhead = 96

    private let capacity: Int
    private var messages: [InputRow] = []
    private var first = 0
    private var bytes = 0

    init(capacity: Int = UnconfirmedMessages.capacity) { self.capacity = capacity }

    /// Whether some messages must be released before more can be kept.
    var isFull: Bool { bytes > capacity }
    /// Whether at least half of the capacity is free.
    var hasRoom: Bool { bytes <= capacity / 2 }

    /// The messages in the order of sending.
    var all: ArraySlice<InputRow> { messages[first...] }

    mutating func append(_ message: InputRow) {
        messages.append(message)
        bytes += Self.size(message)
    }

    /// Releases the oldest message if it has been consumed.
    ///
    /// - Returns: The message; nil if there is none, or if it has not been consumed yet.
    mutating func releaseFirst(if isConsumed: (InputRow) -> Bool) -> InputRow? {
        guard first < messages.count, isConsumed(messages[first]) else { return nil }
        let message = messages[first]
        bytes -= Self.size(message)
        first += 1
        if first > 1_024, first * 2 > messages.count {
            messages.removeFirst(first)
            first = 0
        }
        return message
    }

    private static func size(_ message: InputRow) -> Int {
        message.values.count * MemoryLayout<Float>.size + message.stream.utf8.count + overhead
    }
}

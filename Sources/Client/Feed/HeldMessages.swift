/// Messages that were sent from an input that cannot be read again, kept in case the daemon loses what it had consumed. Their
/// memory has a bound.
struct HeldMessages {
    /// Bytes of messages that are kept, about.
    static let capacity = 64 << 20
    /// Bytes that a message takes besides its values and its id, about.
    private static let overhead = 96

    private let capacity: Int
    private var messages: [Reading] = []
    private var first = 0
    private var bytes = 0

    init(capacity: Int = HeldMessages.capacity) { self.capacity = capacity }

    /// Whether some must go before more can be kept.
    var isFull: Bool { bytes > capacity }
    /// Whether half of the room is free again.
    var hasRoom: Bool { bytes <= capacity / 2 }

    /// The messages in the order in which they were sent.
    var all: ArraySlice<Reading> { messages[first...] }

    mutating func append(_ message: Reading) {
        messages.append(message)
        bytes += Self.size(message)
    }

    /// Lets the oldest message go, if it is consumed.
    ///
    /// - Returns: The message; nil where the oldest is not consumed, or there is none.
    mutating func releaseFirst(if isConsumed: (Reading) -> Bool) -> Reading? {
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

    private static func size(_ message: Reading) -> Int {
        message.values.count * MemoryLayout<Float>.size + message.stream.utf8.count + overhead
    }
}

import Wire

/// What waits for one stream that is paused, or that is read from the store, in the order in which it came.
struct WaitingTimesteps {
    /// One message, or the part of it for which there was room.
    struct Message {
        let header: TimestepHeader
        /// Shape (count, features).
        let values: [Float]
        let count: Int
    }

    /// Whether it waits until a controller lets the stream go on, not only until its state is there.
    var isPaused: Bool
    private(set) var messages: [Message] = []
    /// Timesteps in all messages.
    private(set) var count = 0

    init(isPaused: Bool) {
        self.isPaused = isPaused
    }

    mutating func append(_ message: Message) {
        messages.append(message)
        count += message.count
    }

    mutating func append(_ header: TimestepHeader, values: [Float], count: Int) {
        append(Message(header: header, values: values, count: count))
    }
}

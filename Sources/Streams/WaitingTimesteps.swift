import Wire

/// What waits for one paused stream, in the order in which it came.
struct WaitingTimesteps {
    /// One message, or the part of it for which there was room.
    struct Message {
        let header: TimestepHeader
        /// Shape (count, features).
        let values: [Float]
        let count: Int
    }

    private(set) var messages: [Message] = []
    /// Timesteps in all messages.
    private(set) var count = 0

    mutating func append(_ header: TimestepHeader, values: [Float], count: Int) {
        messages.append(Message(header: header, values: values, count: count))
        self.count += count
    }
}

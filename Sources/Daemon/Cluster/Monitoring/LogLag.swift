/// The distance between a partition's owner and the end of the partition's log.
struct LogLag {
    /// The last sequence number of the log, as far as it is known.
    private(set) var end: UInt64 = 0
    /// The last time at which all known messages were applied.
    private var levelAt: Int64
    /// The log's time of the last delivered message, in nanoseconds since the Unix epoch.
    private var deliveredTime: Int64?

    /// - Parameter now: The time of the claim, by the monotonic clock in nanoseconds.
    init(now: Int64) { levelAt = now }

    /// Notes a message of the log.
    ///
    /// - Parameters:
    ///   - sequence: The message's sequence number.
    ///   - pending: The number of messages behind it.
    ///   - time: The log's time of the message.
    mutating func deliver(_ sequence: UInt64, pending: UInt64, time: Int64) {
        end = max(end, sequence + pending)
        deliveredTime = time
    }

    /// Notes how far the owner is.
    ///
    /// - Parameters:
    ///   - position: The last sequence number that is applied.
    ///   - logEnd: The last sequence number that the owner knows.
    ///   - now: The time by the monotonic clock.
    mutating func note(_ position: UInt64, logEnd: UInt64, at now: Int64) {
        end = max(end, logEnd)
        if position >= end { levelAt = now }
    }

    /// Calculates an upper bound of the age of the oldest message that is not applied.
    ///
    /// This message is younger than the last one that was delivered, and it was not there when the owner was level. The
    /// first bound depends on the clocks of NATS and of this machine, the second one does not.
    ///
    /// - Parameters:
    ///   - position: The last sequence number that is applied.
    ///   - now: The time by the monotonic clock.
    ///   - wallTime: The time in nanoseconds since the Unix epoch.
    /// - Returns: The bound in seconds; 0 if all messages are applied.
    func seconds(_ position: UInt64, at now: Int64, wallTime: Int64) -> Double {
        guard position < end else { return 0 }
        let sinceLevel = now - levelAt
        let sinceDelivery = deliveredTime.map { max(0, wallTime - $0) } ?? sinceLevel
        return Double(min(sinceLevel, sinceDelivery)) / 1e9
    }
}

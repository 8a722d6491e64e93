/// Knows which streams are idle, how many hibernate, and which ones to read back from the store.
///
/// The table owns the states. It asks this type what to do, and moves the states between memory and the store.
struct Hibernation {
    /// The number of hibernated streams.
    private(set) var count = 0
    /// The slots of streams to read from the store.
    private var requests: [Int] = []
    /// The slots of streams that return to their last checkpoint once it is read.
    private var faulty: Set<Int> = []
    /// The time since which each stream has been idle, by slot. A time is valid only if the stream's `isSeenIdle` is
    /// set. The buffer grows only if there is a search for idle streams.
    private var idleSince: [Int64] = []

    mutating func countAsleep() { count += 1 }
    mutating func countAwake() { count -= 1 }

    // MARK: Idle streams

    /// Looks at a stream, and decides whether it is idle.
    ///
    /// A stream that had timesteps since the last look counts as idle from now on. The idle time is the time for which
    /// the stream was seen idle, whatever the time of day of its last timestep.
    ///
    /// - Parameters:
    ///   - stream: The stream. Its mark is updated.
    ///   - slot: The slot of the stream.
    ///   - period: The nanoseconds for which the stream must have been idle.
    ///   - now: The nanoseconds for which streams have been watched so far.
    /// - Returns: Whether the stream has been idle for the period.
    mutating func isIdle(_ stream: inout StreamTable.Stream, in slot: Int, for period: Int64, at now: Int64) -> Bool {
        while idleSince.count <= slot { idleSince.append(now) }
        guard !stream.isPaused, !stream.waits else {
            // The stream may have waiting timesteps.
            stream.isSeenIdle = false
            return false
        }
        guard stream.isSeenIdle else {
            stream.isSeenIdle = true
            idleSince[slot] = now
            return false
        }
        return now - idleSince[slot] >= period
    }

    // MARK: Requests

    /// Requests the state of a stream from the store.
    mutating func request(_ slot: Int) { requests.append(slot) }

    /// Whether ``takeRequests()`` has slots to return.
    var hasRequests: Bool { !requests.isEmpty }

    /// Hands over the slots of the requested streams. A stream may have been removed since its request.
    mutating func takeRequests() -> [Int] {
        defer { requests.removeAll(keepingCapacity: true) }
        return requests
    }

    // MARK: Faulty streams

    /// Whether a stream waits for its last checkpoint to be read.
    var hasFaulty: Bool { !faulty.isEmpty }

    /// Whether this stream returns to its last checkpoint once it is read.
    func isFaulty(_ slot: Int) -> Bool { faulty.contains(slot) }

    /// Makes a stream return to its last checkpoint once it is read.
    mutating func markFaulty(_ slot: Int) { faulty.insert(slot) }

    /// Clears the fault of a stream. Returns whether there was one.
    @discardableResult
    mutating func clearFault(_ slot: Int) -> Bool { !faulty.isEmpty && faulty.remove(slot) != nil }
}

/// Tracks which streams are idle, how many hibernate, and which must be read back from the store.
///
/// The table owns the states. It asks this type what to do, and then moves the states between memory and the store.
struct Hibernation {
    /// The number of hibernating streams.
    private(set) var count = 0
    /// The slots of the streams to read from the store.
    private var requests: [Int] = []
    /// The slots of streams that will return to their last checkpoint once the checkpoint has been read.
    private var faulty: Set<Int> = []
    /// For each slot, the time at which its stream was first seen idle. The time is valid only if the stream's
    /// `isSeenIdle` is set. The buffer stays empty if idle streams are never searched for.
    private var idleSince: [Int64] = []

    mutating func countAsleep() { count += 1 }
    mutating func countAwake() { count -= 1 }

    // MARK: Idle streams

    /// Looks at a stream and decides whether it is idle.
    ///
    /// A stream that has had timesteps since the last look counts as idle only from the present look on. The idle time
    /// is thus measured between looks, and does not depend on the wall-clock time of the stream's last timestep.
    ///
    /// - Parameters:
    ///   - stream: The stream. Its `isSeenIdle` mark is updated.
    ///   - slot: The slot of the stream.
    ///   - period: The minimum idle time, in nanoseconds.
    ///   - now: The total time that streams have been watched so far, in nanoseconds.
    /// - Returns: Whether the stream has been idle for the period.
    mutating func isIdle(_ stream: inout StreamTable.Stream, in slot: Int, for period: Int64, at now: Int64) -> Bool {
        while idleSince.count <= slot { idleSince.append(now) }
        guard !stream.isPaused, !stream.waits else {
            // A stream that is paused or has waiting timesteps is not idle.
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

    /// Returns the slots of the requested streams, and clears the requests. A stream may have been removed since it was
    /// requested.
    mutating func takeRequests() -> [Int] {
        defer { requests.removeAll(keepingCapacity: true) }
        return requests
    }

    // MARK: Faulty streams

    /// Whether any stream is waiting for its last checkpoint to be read.
    var hasFaulty: Bool { !faulty.isEmpty }

    /// Whether the stream will return to its last checkpoint once the checkpoint has been read.
    func isFaulty(_ slot: Int) -> Bool { faulty.contains(slot) }

    /// Makes a stream return to its last checkpoint once the checkpoint has been read.
    mutating func markFaulty(_ slot: Int) { faulty.insert(slot) }

    /// Clears the fault of a stream. Returns whether the stream had one.
    @discardableResult
    mutating func clearFault(_ slot: Int) -> Bool { !faulty.isEmpty && faulty.remove(slot) != nil }
}

import Wire

/// A stream whose timesteps are all skipped as duplicates.
public struct StuckStream: Equatable, Sendable {
    /// The id of the stream.
    public let id: String
    /// The sequence number of the last timestep that the stream consumed.
    public let sequence: UInt64
    /// The number of timesteps skipped since then.
    public let duplicates: UInt64
}

/// Counts events for all streams together and for each stream. Only streams that have had events have an entry.
struct StreamLedger {
    /// The number of consecutive duplicates after which a stream counts as stuck.
    static let stuckAfter: UInt64 = 100

    /// The counts since the start, over all streams.
    var counters = StreamCounters()
    private var tallies: [Int: StreamTally] = [:]
    private var duplicateRuns: [Int: DuplicateRun] = [:]
    private var stuck: [StuckSlot] = []

    /// The slot of a newly stuck stream, and the facts that ``StuckStream`` reports.
    typealias StuckSlot = (slot: Int, sequence: UInt64, duplicates: UInt64)

    /// The duplicates that a stream has received since it last consumed a timestep.
    private struct DuplicateRun {
        let sequence: UInt64
        var count: UInt64 = 0
        var isStuck: Bool { count >= StreamLedger.stuckAfter }
    }

    /// The counts of the stream in a slot.
    func tally(of slot: Int) -> StreamTally { tallies[slot] ?? StreamTally() }

    mutating func countGap(of slot: Int) {
        counters.gaps += 1
        tallies[slot, default: StreamTally()].gaps += 1
    }

    mutating func countQuarantine(of slot: Int) {
        counters.quarantined += 1
        tallies[slot, default: StreamTally()].quarantined += 1
    }

    /// Counts skipped timesteps. A stream is reported as stuck only once in each run of duplicates.
    ///
    /// - Parameters:
    ///   - count: The number of skipped timesteps.
    ///   - slot: The slot of the stream.
    ///   - sequence: The sequence number of the last timestep that the stream consumed.
    mutating func countDuplicates(_ count: Int, of slot: Int, after sequence: UInt64) {
        counters.duplicates += UInt64(count)
        tallies[slot, default: StreamTally()].duplicates += UInt64(count)
        var run = duplicateRuns[slot] ?? DuplicateRun(sequence: sequence)
        if run.sequence != sequence { run = DuplicateRun(sequence: sequence) }
        let wasStuck = run.isStuck
        run.count += UInt64(count)
        duplicateRuns[slot] = run
        if run.isStuck, !wasStuck { stuck.append((slot, sequence, run.count)) }
    }

    /// Whether ``takeStuck()`` has streams to return.
    var hasStuck: Bool { !stuck.isEmpty }

    /// Returns the newly stuck streams, each of them only once.
    mutating func takeStuck() -> [StuckSlot] {
        defer { stuck.removeAll() }
        return stuck
    }

    /// Counts the stuck streams. Takes linear time.
    ///
    /// - Parameter sequence: Returns the sequence number of the last timestep consumed by the stream in a slot.
    /// - Returns: The number of stuck streams.
    func stuckCount(sequence: (Int) -> UInt64) -> Int {
        duplicateRuns.count { $1.isStuck && $1.sequence == sequence($0) }
    }

    /// Forgets a removed stream. The counts over all streams do not change.
    mutating func remove(_ slot: Int) {
        if !tallies.isEmpty { tallies[slot] = nil }
        if !duplicateRuns.isEmpty { duplicateRuns[slot] = nil }
        if !stuck.isEmpty { stuck.removeAll { $0.slot == slot } }
    }
}

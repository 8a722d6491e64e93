import Wire

/// A stream that skips all of its timesteps as duplicates.
public struct StuckStream: Equatable, Sendable {
    /// The id of the stream.
    public let id: String
    /// The number of the last timestep that the stream consumed.
    public let sequence: UInt64
    /// The number of timesteps skipped since then.
    public let duplicates: UInt64
}

/// The duplicates that a stream received since it last consumed a timestep.
struct DuplicateRun {
    var sequence: UInt64
    var count: UInt64
    var isTold = false
}

/// Counts duplicates. Only duplicates cause this work.
extension StreamTable {
    /// The number of consecutive duplicates at which a stream begins to count as stuck.
    public static let stuckAfter: UInt64 = 100

    mutating func countDuplicates(_ count: Int, of slot: Int) {
        counters.duplicates += UInt64(count)
        tallies[slot, default: StreamTally()].duplicates += UInt64(count)
        let sequence = streams[slot].sequence
        var run = duplicateRuns[slot] ?? DuplicateRun(sequence: sequence, count: 0)
        if run.sequence != sequence { run = DuplicateRun(sequence: sequence, count: 0) }
        run.count += UInt64(count)
        if run.count >= Self.stuckAfter, !run.isTold {
            run.isTold = true
            stuckStreams.append(StuckStream(id: id(of: slot), sequence: sequence, duplicates: run.count))
        }
        duplicateRuns[slot] = run
    }

    /// Whether there are newly stuck streams.
    public var hasStuckStreams: Bool { !stuckStreams.isEmpty }

    /// Hands over the newly stuck streams.
    public mutating func takeStuckStreams() -> [StuckStream] {
        defer { stuckStreams.removeAll() }
        return stuckStreams
    }

    /// The number of stuck streams. Takes linear time.
    public var stuckCount: Int {
        duplicateRuns.count { $1.isTold && $1.sequence == streams[$0].sequence }
    }
}

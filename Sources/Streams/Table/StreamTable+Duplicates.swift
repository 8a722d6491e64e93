import Wire

/// A stream whose timesteps are all skipped as duplicates.
public struct StuckStream: Equatable, Sendable {
    /// Its id.
    public let id: String
    /// The number of the last timestep that it consumed.
    public let sequence: UInt64
    /// Timesteps skipped since.
    public let duplicates: UInt64
}

/// The duplicates that a stream got since it consumed something.
struct DuplicateRun {
    var sequence: UInt64
    var count: UInt64
    var isTold = false
}

/// What is counted where timesteps are duplicates, and nowhere else.
extension StreamTable {
    /// Duplicates in a row after which a stream is taken for stuck.
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

    /// Whether a stream is newly stuck.
    public var hasStuckStreams: Bool { !stuckStreams.isEmpty }

    /// Takes the streams that are newly stuck.
    public mutating func takeStuckStreams() -> [StuckStream] {
        defer { stuckStreams.removeAll() }
        return stuckStreams
    }

    /// Streams that got nothing but duplicates since long. Counts them.
    public var stuckCount: Int {
        duplicateRuns.count { $1.isTold && $1.sequence == streams[$0].sequence }
    }
}

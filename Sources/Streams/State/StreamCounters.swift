public import Wire

/// Counts of events since the start, over all streams.
public struct StreamCounters: Equatable, Sendable {
    /// The number of timesteps consumed.
    public var timesteps: UInt64 = 0
    /// The number of decisions published.
    public var decisions: UInt64 = 0
    /// The number of timesteps skipped because they had already been consumed.
    public var duplicates: UInt64 = 0
    /// The number of jumps ahead in the streams' sequence numbers.
    public var gaps: UInt64 = 0
    /// The number of times that a state became NaN or infinite and was reset.
    public var quarantined: UInt64 = 0
    /// The number of dropped messages for each cause, or of dropped timesteps for ``DropCause/paused``. Every cause has
    /// an entry.
    public var dropped = Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, UInt64(0)) })

    /// Creates counters at zero.
    public init() {}

    /// Adds the counts of other streams.
    public static func += (counters: inout StreamCounters, other: StreamCounters) {
        counters.timesteps += other.timesteps
        counters.decisions += other.decisions
        counters.duplicates += other.duplicates
        counters.gaps += other.gaps
        counters.quarantined += other.quarantined
        counters.dropped.merge(other.dropped, uniquingKeysWith: +)
    }
}

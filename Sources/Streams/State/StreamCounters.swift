public import Wire

/// The counts of events over all streams since the start.
public struct StreamCounters: Equatable, Sendable {
    /// Timesteps consumed.
    public var timesteps: UInt64 = 0
    /// Decisions published.
    public var decisions: UInt64 = 0
    /// Timesteps skipped because they had been consumed before.
    public var duplicates: UInt64 = 0
    /// Jumps ahead in a stream's sequence numbers.
    public var gaps: UInt64 = 0
    /// States that became NaN or infinite and were reset.
    public var quarantined: UInt64 = 0
    /// The numbers of dropped messages by cause; for ``DropCause/paused``, of dropped timesteps. Every cause has an
    /// entry.
    public var dropped = Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, UInt64(0)) })

    /// Creates counters at zero.
    public init() {}
}

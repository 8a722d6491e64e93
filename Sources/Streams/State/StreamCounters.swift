public import Wire

/// What happened since the start, over all streams.
public struct StreamCounters: Equatable, Sendable {
    /// Timesteps consumed.
    public var timesteps: UInt64 = 0
    /// Decisions published.
    public var decisions: UInt64 = 0
    /// Timesteps skipped since they had been consumed already.
    public var duplicates: UInt64 = 0
    /// Jumps ahead in a stream's sequence numbers.
    public var gaps: UInt64 = 0
    /// States that turned NaN or infinite and were given up.
    public var quarantined: UInt64 = 0
    /// What was dropped: messages, but timesteps for ``DropCause/paused``. Every cause is there.
    public var dropped = Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, UInt64(0)) })

    /// Nothing has happened.
    public init() {}
}

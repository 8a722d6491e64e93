import Wire

/// Where a message's timesteps stand in their stream's life: which are new, and whether any are missing before them.
///
/// Sequence numbers count timesteps from 1 over the stream's whole life; a reset does not restart them.
struct SequenceNumbers: Equatable {
    /// The number of the message's first timestep.
    let first: UInt64
    /// How many of its timesteps, from the first on, were consumed already.
    let duplicates: Int
    /// Timesteps are missing before the first.
    let gap: Bool

    /// Numbers a message.
    ///
    /// - Parameters:
    ///   - header: What the producer says; sequence 0: count on.
    ///   - count: The message's timesteps, at least 1.
    ///   - consumed: The number of the last timestep consumed; 0: none yet.
    /// - Throws: ``DropCause/sequence`` where a number would pass 2⁶⁴ − 1.
    @inline(__always)
    init(_ header: TimestepHeader, count: Int, consumed: UInt64) throws(DropCause) {
        let (next, isFull) = consumed.addingReportingOverflow(1)
        guard header.sequence != 0 || !isFull else { throw .sequence }
        first = header.sequence == 0 ? next : header.sequence
        guard !first.addingReportingOverflow(UInt64(count - 1)).overflow else { throw .sequence }
        duplicates = first <= consumed ? Int(min(consumed - first + 1, UInt64(count))) : 0
        gap = !isFull && first > next
    }
}

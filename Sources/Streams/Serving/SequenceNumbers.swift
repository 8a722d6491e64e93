import Wire

/// The sequence numbers of a message's timesteps. They show which of the timesteps are new, and whether any are
/// missing.
///
/// Sequence numbers count timesteps from 1 over the stream's whole life; a reset does not restart them.
struct SequenceNumbers: Equatable {
    /// The sequence number of the message's first timestep.
    let first: UInt64
    /// The number of leading timesteps that have already been consumed.
    let duplicates: Int
    /// Whether timesteps are missing before the first one.
    let gap: Bool

    /// Determines the sequence numbers of a message's timesteps.
    ///
    /// - Parameters:
    ///   - header: The producer's header. With sequence number 0, the message continues the stream's numbering.
    ///   - count: The number of timesteps in the message, at least 1.
    ///   - consumed: The sequence number of the last timestep consumed; 0 before the first.
    /// - Throws: ``DropCause/sequence`` if a sequence number would exceed 2⁶⁴ − 1.
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

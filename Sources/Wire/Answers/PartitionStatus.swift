/// The answer of a partition's owner to `status`: the counts of one partition, which the node that was asked adds up.
package struct PartitionStatus: Codable, Equatable, Sendable {
    /// The number of streams.
    package var streams: Int
    /// The number of stuck streams, whose timesteps are all skipped as duplicates.
    package var stuck: Int
    /// The number of timesteps consumed since the owner took the partition over.
    package var timesteps: UInt64
    /// The number of decisions made since the owner took the partition over.
    package var decisions: UInt64
    /// The number of timesteps skipped because they had already been consumed.
    package var duplicates: UInt64
    /// The number of gaps in the streams' sequence numbers.
    package var gaps: UInt64
    /// The number of states that became NaN or infinite and were reset.
    package var quarantined: UInt64
    /// The fingerprints of the weights that the partition is served with, in the order of the models.
    package var fingerprints: [String]
    /// The number of dropped messages for each ``DropCause``.
    package var dropped: [String: UInt64]

    /// Creates an answer. Each parameter sets the property of the same name.
    package init(
        streams: Int = 0, stuck: Int = 0, timesteps: UInt64 = 0, decisions: UInt64 = 0, duplicates: UInt64 = 0,
        gaps: UInt64 = 0, quarantined: UInt64 = 0, fingerprints: [String] = [],
        dropped: [String: UInt64] = [:]
    ) {
        self.streams = streams
        self.stuck = stuck
        self.timesteps = timesteps
        self.decisions = decisions
        self.duplicates = duplicates
        self.gaps = gaps
        self.quarantined = quarantined
        self.fingerprints = fingerprints
        self.dropped = dropped
    }

    /// Adds the counts of another partition.
    package mutating func add(_ other: PartitionStatus) {
        if fingerprints.isEmpty { fingerprints = other.fingerprints }
        streams += other.streams
        stuck += other.stuck
        timesteps += other.timesteps
        decisions += other.decisions
        duplicates += other.duplicates
        gaps += other.gaps
        quarantined += other.quarantined
        dropped.merge(other.dropped, uniquingKeysWith: +)
    }
}

/// The measures of a partition on its owner, for `status` and metrics.
struct PartitionMeasures: Codable, Equatable, Sendable {
    /// The partition.
    var partition: Int
    /// The last sequence number of the log that is applied.
    var position: UInt64
    /// The last sequence number of the log, as far as the owner knows.
    var logEnd: UInt64
    /// The number of streams.
    var streams: Int
    /// The number of timesteps since the claim.
    var timesteps: UInt64
    /// The last sequence number of the log in the last checkpoint; 0 for none.
    var checkpoint: UInt64
}

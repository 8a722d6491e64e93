import Cluster

/// The measures of a partition on its owner, for `status`, readiness and metrics.
struct PartitionMeasures: Equatable, Sendable {
    /// The last checkpoint of a partition.
    struct Checkpoint: Equatable, Sendable {
        /// The last sequence number of the log in the checkpoint.
        var position: UInt64
        /// The size of the streams in bytes.
        var byteCount: Int
        /// The last time at which the checkpoint held everything, in nanoseconds since the Unix epoch. After a take-over,
        /// the time at which the checkpoint was read.
        var time: Int64
    }

    /// The partition.
    var partition: Int
    /// The state of the ownership.
    var state: Heartbeat.PartitionState
    /// The last sequence number of the log that is applied.
    var position: UInt64
    /// The last sequence number of the log, as far as the owner knows.
    var logEnd: UInt64
    /// The age of the oldest message that is not applied, at most, in seconds.
    var lagSeconds: Double
    /// The number of streams.
    var streams: Int
    /// The number of streams whose timesteps are all skipped as duplicates.
    var stuck: Int
    /// Whether a write to the chain waits for NATS' answer.
    var isWriting: Bool
    /// The last sequence number of the log whose decisions are in the chain, or in the write under way.
    var through: UInt64
    /// The last checkpoint; nil if there is none.
    var checkpoint: Checkpoint?
    /// The durations of the take-over.
    var takeOver: TakeOverTimes.Parts

    /// The number of messages of the log that are not applied.
    var lag: UInt64 { logEnd - min(logEnd, position) }
}

/// The measures of one worker's partitions.
struct WorkerMeasures: Sendable {
    /// The number of the worker.
    var worker: Int
    /// The time of the report, by the ``SteadyClock``.
    var time: Int64
    /// The partitions that the worker owns now.
    var partitions: [PartitionMeasures] = []
    /// The counts of all partitions that the worker has owned.
    var counts = PartitionCounts()
    /// For each model, the number of the partitions' streams by the label of their last decision; empty without streams.
    var streamsByLabel: [[UInt64]] = []
    /// The number of claims of each partition.
    var claims: [Int: UInt64] = [:]
    /// The number of writes to each chain that NATS refused, because another node had written.
    var refusedWrites: [Int: UInt64] = [:]
}

extension [[UInt64]] {
    /// Adds counts by model and label. All models keep their numbers of labels.
    mutating func add(countsByLabel others: [[UInt64]]) {
        guard !isEmpty else { return self = others }
        for (model, others) in others.enumerated() {
            for (label, count) in others.enumerated() { self[model][label] += count }
        }
    }
}

package import Streams

/// The counts of the timesteps and decisions of partitions.
package struct PartitionCounts: Sendable {
    /// The counts of the streams.
    package var counters: StreamCounters
    /// The decisions of each model, in the order of the node's models; empty if nothing was counted.
    package var tallies: [ModelTally]

    /// Creates counts. Each parameter sets the property of the same name.
    package init(counters: StreamCounters = StreamCounters(), tallies: [ModelTally] = []) {
        self.counters = counters
        self.tallies = tallies
    }

    /// Adds the counts of other partitions.
    package static func += (counts: inout PartitionCounts, other: PartitionCounts) {
        counts.counters += other.counters
        for (model, tally) in other.tallies.enumerated() {
            if model < counts.tallies.count { counts.tallies[model] += tally } else { counts.tallies.append(tally) }
        }
    }
}

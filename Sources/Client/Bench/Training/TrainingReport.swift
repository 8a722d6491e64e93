/// The times of a training run.
package struct TrainingReport: Encodable, Sendable {
    /// The number of sequences, timesteps and updates in an epoch.
    let sequences, timesteps, updates: Int
    /// The number of threads.
    let jobs: Int
    /// The nanoseconds for one timestep of one sequence: forward, backward, and its share of the update.
    let timestep: Spread
    /// The nanoseconds for one update.
    let update: Spread
    /// The loss of each of the first epochs.
    let losses: [Double]
    /// The fingerprint of the weights after the first epochs. Equal bits have equal fingerprints.
    let fingerprint: String

    private enum CodingKeys: String, CodingKey {
        case sequences, timesteps, updates, jobs, losses, fingerprint
        case timestep = "timestep_ns"
        case update = "update_ns"
    }

    /// The human-readable report.
    package var lines: [String] {
        func text(_ spread: Spread) -> String {
            func tenths(_ value: Double) -> String { Quantity.fixed(value, digits: 1) }
            return "\(tenths(spread.median)) (\(tenths(spread.min)) to \(tenths(spread.max)))"
        }
        return [
            "An epoch: \(Quantity.count(sequences, of: "sequence")), \(Quantity.count(timesteps, of: "timestep")), "
                + "\(Quantity.count(updates, of: "update")); \(Quantity.count(jobs, of: "thread"))",
            "nanoseconds a timestep: \(text(timestep))", "nanoseconds an update: \(text(update))",
            "Each time is the median (and the least and the greatest) of the samples.",
        ]
    }
}

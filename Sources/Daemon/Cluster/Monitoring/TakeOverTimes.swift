import Cluster

/// Times the parts of a take-over. A part ends when a later phase is seen.
struct TakeOverTimes {
    /// The durations in seconds; nil for a part that has not ended.
    struct Parts: Equatable, Sendable, CustomStringConvertible {
        /// The time to write the claim to the chain.
        var claim: Double?
        /// The time to read the checkpoint.
        var restore: Double?
        /// The time to replay the log.
        var replay: Double?

        /// The durations in words, for the log.
        var description: String {
            let parts = [("claim", claim), ("restore", restore), ("replay", replay)]
            return parts.compactMap { name, seconds in
                seconds.map { "\(name) \(Double(Int($0 * 1000)) / 1000) s" }
            }.joined(separator: ", ")
        }
    }

    private(set) var parts = Parts()
    /// The time at which the part that is under way began.
    private var beganAt: Int64

    /// - Parameter now: The time of the claim, by the monotonic clock in nanoseconds.
    init(now: Int64) { beganAt = now }

    /// Notes the phase of the ownership.
    mutating func note(_ phase: PartitionOwner.Phase, at now: Int64) {
        switch phase {
        case .standingBy, .claiming, .draining, .ended: return
        case .restoring: finish(\.claim, at: now)
        case .replaying:
            finish(\.claim, at: now)
            finish(\.restore, at: now)
        case .serving:
            finish(\.claim, at: now)
            finish(\.restore, at: now)
            finish(\.replay, at: now)
        }
    }

    private mutating func finish(_ part: WritableKeyPath<Parts, Double?>, at now: Int64) {
        guard parts[keyPath: part] == nil else { return }
        parts[keyPath: part] = Double(now - beganAt) / 1e9
        beganAt = now
    }
}

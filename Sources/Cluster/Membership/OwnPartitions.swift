/// The partitions that this node holds or refuses, and those that it must not claim for some time.
struct OwnPartitions: Equatable, Sendable {
    /// The delay before a partition may be claimed again.
    private struct BackOff: Equatable {
        /// The node that took the partition; nil if it is not known.
        var taker: String?
        /// The number of times in quick succession that another node took the partition.
        var losses: Int
        var lostAt: Int64
        /// The end of the delay.
        var until: Int64
    }

    /// The partitions that this node holds.
    private(set) var held: [Int: Heartbeat.PartitionState] = [:]
    /// The partitions that this node cannot serve, with the reasons.
    private(set) var refusals: [Int: String] = [:]
    private var backOffs: [Int: BackOff] = [:]

    /// Takes a partition.
    mutating func claim(_ partition: Int) { held[partition] = .claiming }

    /// Takes the state of a partition that this node holds.
    mutating func update(_ partition: Int, _ state: Heartbeat.PartitionState) {
        // The state `draining` stays until the end, even if the owner still finishes an earlier step.
        guard let known = held[partition], known != .draining else { return }
        held[partition] = state
    }

    /// Lets a partition go.
    mutating func end(_ partition: Int, _ end: PartitionEnd, at now: Int64, _ timing: MembershipTiming) {
        held[partition] = nil
        switch end {
        case .drained: backOffs[partition] = nil
        case .cannotServe(let reason): refusals[partition] = reason
        case .unanswered:
            let losses = backOffs[partition]?.losses ?? 0
            backOffs[partition] = BackOff(
                taker: nil, losses: losses, lostAt: now, until: now + timing.unansweredBackOff)
        case .fenced(let taker):
            let last = backOffs[partition].flatMap { now - $0.lostAt < timing.steady ? $0.losses : nil } ?? 0
            let delay = min(timing.backOff << min(last, 16), timing.longestBackOff)
            backOffs[partition] = BackOff(taker: taker, losses: last + 1, lostAt: now, until: now + delay)
        }
    }

    /// Forgets that this node could not serve a partition.
    mutating func accept(_ partition: Int) { refusals[partition] = nil }

    /// Notes that this node cannot serve a partition.
    mutating func refuse(_ partition: Int, _ reason: String) { refusals[partition] = reason }

    /// Ends the delay of a partition that another node is seen to hold: the two nodes agree again. The next delay of
    /// the partition is longer nevertheless.
    mutating func agree(_ partition: Int) { backOffs[partition]?.until = .min }

    /// Returns whether this node may claim a partition. The closure tells whether a node's heartbeat cannot be read, so
    /// that the node may hold the partition although it does not seem so.
    func mayClaim(_ partition: Int, at now: Int64, isUnreadable: (String) -> Bool) -> Bool {
        guard held[partition] == nil, refusals[partition] == nil else { return false }
        guard let backOff = backOffs[partition] else { return true }
        return now >= backOff.until && !(backOff.taker.map(isUnreadable) ?? false)
    }
}

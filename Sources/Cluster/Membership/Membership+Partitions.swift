/// Claims, verifies, drains and follows partitions.
extension Membership {
    /// A node that reports to hold a partition.
    struct Holder {
        let node: String
        let state: Heartbeat.PartitionState
    }

    /// The live nodes that hold each partition, including this one.
    var holders: [[Holder]] {
        var holders = [[Holder]](repeating: [], count: partitions)
        for (partition, state) in own.held { holders[partition].append(Holder(node: node, state: state)) }
        for member in members.values {
            for (partition, state) in member.holdings {
                holders[partition].append(Holder(node: member.name, state: state))
            }
        }
        return holders
    }

    /// Returns the steps that follow from what all nodes hold.
    mutating func nextSteps(at now: Int64) -> [MembershipAction] {
        let holders = holders
        for partition in 0..<partitions where holders[partition].contains(where: { $0.node != node }) {
            own.agree(partition)
            losers[partition] = nil
        }
        for partition in 0..<partitions {
            if let holder = holders[partition].last { lastHolders[partition] = holder.node }
        }
        let claims = claim(holders, at: now)
        let verifications = verify(holders, at: now)
        let drains = heartbeat.presence == .leaving ? handOver(holders, at: now) : rebalance(holders, at: now)
        return claims + verifications + drains + follow(holders)
    }

    /// Claims the partitions that belong to this node and that nobody holds.
    private mutating func claim(_ holders: [[Holder]], at now: Int64) -> [MembershipAction] {
        guard heartbeat.presence == .member else { return [] }
        var claims: [MembershipAction] = []
        for partition in 0..<partitions where placement.nodes[partition] == node && holders[partition].isEmpty {
            guard own.mayClaim(partition, at: now, isUnreadable: { members[$0]?.isUnreadable ?? false }) else {
                continue
            }
            own.claim(partition)
            followed[partition] = nil
            claims.append(.claim(partition))
            events.append(.claims(partition: partition, cause(ofClaiming: partition)))
        }
        return claims
    }

    private mutating func cause(ofClaiming partition: Int) -> ClaimCause {
        if let loser = losers.removeValue(forKey: partition) { return .death(of: loser) }
        guard let last = lastHolders[partition] else { return .unowned }
        guard last != node else { return .loss }
        return members[last]?.liveHeartbeat?.presence == .member ? .balance(from: last) : .drain(by: last)
    }

    /// Lets the chain tell which of two holders owns a partition. Without timesteps, neither would write and learn it.
    private mutating func verify(_ holders: [[Holder]], at now: Int64) -> [MembershipAction] {
        var verifications: [MembershipAction] = []
        for partition in own.held.keys.sorted() {
            guard holders[partition].count > 1, own.held[partition] == .serving else {
                verifiedAt[partition] = nil
                continue
            }
            if let last = verifiedAt[partition], now - last < timing.verification { continue }
            verifiedAt[partition] = now
            verifications.append(.verify(partition))
        }
        return verifications
    }

    /// Drains the lowest misplaced partition of the cluster if this node holds it and every other partition is served.
    private mutating func rebalance(_ holders: [[Holder]], at now: Int64) -> [MembershipAction] {
        guard let placedAt, now - placedAt >= timing.settling else { return [] }
        var misplaced: Int?
        for partition in 0..<partitions {
            guard let target = placement.nodes[partition] else { continue }
            guard holders[partition].count == 1, let holder = holders[partition].first, holder.state == .serving else {
                return []
            }
            if misplaced == nil, holder.node != target { misplaced = partition }
        }
        guard let misplaced, own.held[misplaced] != nil else { return [] }
        return drain(misplaced)
    }

    /// Drains the partitions of this node because it leaves: few at a time, while others can take them.
    private mutating func handOver(_ holders: [[Holder]], at now: Int64) -> [MembershipAction] {
        handedOver = handedOver.filter { partition, time in
            now - time < timing.handOver && placement.nodes[partition] != nil
                && !holders[partition].contains { $0.state == .serving }
        }
        let held = own.held.keys.sorted().filter { own.held[$0] != .draining }
        let orphans = held.filter { placement.nodes[$0] == nil }
        let room = handOverWidth - handedOver.count - (own.held.count - held.count)
        let others = held.filter { placement.nodes[$0] != nil }.prefix(max(0, room))
        return (orphans + others).flatMap { drain($0) }
    }

    /// Drains all partitions if this node leaves while it cannot see the others.
    mutating func leaveBlindly() -> [MembershipAction] {
        guard heartbeat.presence == .leaving else { return [] }
        return own.held.keys.sorted().filter { own.held[$0] != .draining }.flatMap { drain($0) }
    }

    private mutating func drain(_ partition: Int) -> [MembershipAction] {
        own.update(partition, .draining)
        return [.drain(partition)]
    }

    /// Begins and ends warm standbys. A node also follows a partition that it is going to own, until its holder drains
    /// it.
    private mutating func follow(_ holders: [[Holder]]) -> [MembershipAction] {
        guard standbyCount > 0 else { return [] }
        var wanted = Set<Int>()
        if heartbeat.presence == .member {
            wanted = standbyPartitions.union((0..<partitions).filter { placement.nodes[$0] == node })
                .filter { own.held[$0] == nil && own.refusals[$0] == nil && !holders[$0].isEmpty }
        }
        let begun = wanted.subtracting(followed.keys).sorted()
        let ended = followed.keys.filter { !wanted.contains($0) }.sorted()
        for partition in begun { followed[partition] = 0 }
        for partition in ended { followed[partition] = nil }
        return ended.map(MembershipAction.endStandby) + begun.map(MembershipAction.beginStandby) + advance(holders)
    }

    /// Lets the standbys step what the owners have decided on since the last turn.
    private mutating func advance(_ holders: [[Holder]]) -> [MembershipAction] {
        var advances: [MembershipAction] = []
        for (partition, known) in followed.sorted(by: { $0.key < $1.key }) {
            let reports = holders[partition].compactMap { members[$0.node]?.liveHeartbeat?.through[partition] }
            guard let through = reports.max(), through > known else { continue }
            followed[partition] = through
            advances.append(.advanceStandby(partition, through: through))
        }
        return advances
    }
}

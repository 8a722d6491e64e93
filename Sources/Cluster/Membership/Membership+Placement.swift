/// Decides which nodes count, and to which nodes the partitions belong.
extension Membership {
    /// The nodes that count for placement.
    var counted: Set<String> {
        var names = founders
        if heartbeat.presence == .member { names.insert(node) }
        names.formUnion(standing.map(\.name))
        return names
    }

    /// The nodes that count because a node that counts says so, although they do not say so themselves yet.
    var founders: Set<String> {
        let own = heartbeat.presence == .member ? heartbeat.founders : []
        let names = own + standing.flatMap { $0.heartbeat?.founders ?? [] }
        return Set(names.filter { members[$0]?.liveHeartbeat?.presence == .joining })
    }

    /// The other nodes that count by their own account.
    private var standing: [Member] {
        members.values.filter { member in
            member.liveHeartbeat?.presence == .member && lastTurn.map { $0 >= member.countsFrom } ?? true
        }
    }

    /// Places all partitions anew if the nodes that count, or their refusals, have changed.
    mutating func place(at now: Int64) {
        let news = counted.sorted().map { name in
            let refusals = name == node ? own.refusals : members[name]?.heartbeat?.refusals ?? [:]
            return Placement.Candidate(name: name, refusals: Set(refusals.keys))
        }
        guard news != candidates else { return }
        candidates = news
        placement = Placement(on: candidates, scores: &scores)
        placedAt = now
        placeStandbys()
        noticeUnservable()
    }

    /// The standby of a partition is the node that would own it if the owner died, so that the take-over is warm.
    private mutating func placeStandbys() {
        standbyPartitions = []
        guard standbyCount > 0 else { return }
        var without: [Set<String>: Placement] = [:]
        for partition in 0..<partitions {
            var removed = Set<String>()
            var owner = placement.nodes[partition]
            for _ in 0..<standbyCount {
                guard let name = owner else { break }
                removed.insert(name)
                let next =
                    without[removed]
                    ?? Placement(on: candidates.filter { !removed.contains($0.name) }, scores: &scores)
                without[removed] = next
                owner = next.nodes[partition]
                if owner == node { standbyPartitions.insert(partition) }
            }
        }
    }

    private mutating func noticeUnservable() {
        let news = candidates.isEmpty ? [] : Set((0..<partitions).filter { placement.nodes[$0] == nil })
        for partition in news.subtracting(unservable).sorted() {
            let reasons = candidates.compactMap { candidate in
                let refusals = candidate.name == node ? own.refusals : members[candidate.name]?.heartbeat?.refusals
                return refusals?[partition].map { "\(candidate.name): \($0)" }
            }
            events.append(.unservable(partition: partition, reasons: reasons))
        }
        for partition in unservable.subtracting(news).sorted() {
            events.append(.servable(partition: partition))
        }
        unservable = news
    }
}

/// A turn: what the passing of time changes, then everything that follows from it.
extension Membership {
    /// Returns the steps to take now, in order.
    package mutating func turn(at now: Int64) -> [MembershipAction] {
        guard !hasStopped else { return [] }
        noticeFreeze(at: now)
        if namesake.prevails(over: written) {
            hasStopped = true
            return takeEvents() + [.stop(.nameTaken(by: namesake.addresses))]
        }
        guard start(at: now) else {
            hasStopped = heartbeat.presence == .leaving
            return takeEvents() + (hasStopped ? [.stop(.drained)] : [])
        }
        let sees = noticeSight(at: now)
        if sees {
            buryDead(at: now)
            grow(at: now)
        }
        heartbeat.founders = founders.sorted()
        place(at: now)
        let steps = sees ? nextSteps(at: now) : leaveBlindly()
        heartbeat.partitions = own.held
        heartbeat.refusals = own.refusals
        heartbeat.standbys = followed.keys.sorted()
        heartbeat.through = decided
        heartbeat.lags = lags
        let hasLeft = heartbeat.presence == .leaving && own.held.isEmpty
        if hasLeft { heartbeat.presence = .left }
        hasStopped = hasLeft
        // Others must see that this node claims before it does, so the heartbeat comes first.
        return takeEvents() + write(at: now) + steps + (hasLeft ? [.stop(.drained)] : [])
    }

    private mutating func takeEvents() -> [MembershipAction] {
        defer { events = [] }
        return events.map(MembershipAction.report)
    }

    /// Notices that the process was frozen. Its own standstill says nothing about other nodes, and heartbeats that come
    /// back now say nothing about the watch.
    private mutating func noticeFreeze(at now: Int64) {
        defer { lastTurn = now }
        guard let lastTurn, now - lastTurn > timing.freeze else { return }
        events.append(.frozen(for: now - lastTurn))
        watch.forget()
        seesSince = nil
        restartClocks(at: now)
    }

    /// Returns whether this node may write, which it may once no other process uses its name.
    private mutating func start(at now: Int64) -> Bool {
        if startedAt != nil { return true }
        lastNews = lastNews ?? now
        guard namesake.isSilent(at: now, timing) else { return false }
        startedAt = now
        heartbeat.restarts = namesake.restarts
        return true
    }

    /// Returns whether this node sees the others: whether its own heartbeats come back.
    private mutating func noticeSight(at now: Int64) -> Bool {
        guard watch.holds(at: now, timing) else {
            if seesSince != nil {
                events.append(.blind)
                blindSince = now
            }
            seesSince = nil
            return false
        }
        if seesSince == nil {
            seesSince = now
            restartClocks(at: now)
            if let blindSince { events.append(.sees(after: now - blindSince)) }
            blindSince = nil
        }
        return true
    }

    private mutating func restartClocks(at now: Int64) {
        for name in members.keys { members[name]?.restartClock(at: now) }
    }

    private mutating func buryDead(at now: Int64) {
        for name in members.keys.sorted() {
            guard let before = members[name], members[name]?.die(ifStillAt: now, timing) == true else { continue }
            bereave(before)
            if before.hasMoved {
                events.append(.lost(node: name, partitions: before.holdings.keys.sorted()))
            }
        }
    }

    /// Lets this node count, if it has run for long enough or if nobody counts.
    private mutating func grow(at now: Int64) {
        guard let startedAt, let seesSince else { return }
        if now - startedAt >= timing.steady { heartbeat.restarts = 0 }
        guard heartbeat.presence == .joining else { return }
        let restarts = Int64(min(heartbeat.restarts, timing.countedRestarts))
        let isProven = now - seesSince >= timing.probation * (1 + restarts)
        let isFounder = counted.contains { members[$0]?.liveHeartbeat?.founders.contains(node) ?? false }
        let isFirst =
            counted.isEmpty && now - seesSince >= timing.quiet && lastNews.map { now - $0 >= timing.quiet } ?? true
        guard isProven || isFounder || isFirst else { return }
        heartbeat.presence = .member
        events.append(.counts(node: node))
        if isFirst {
            heartbeat.founders = members.values.filter { member in
                member.hasMoved && member.liveHeartbeat?.presence == .joining
            }.map(\.name)
        }
    }

    /// Returns the write of a heartbeat, if one is due.
    private mutating func write(at now: Int64) -> [MembershipAction] {
        var news = heartbeat
        news.beat = written?.beat ?? 0
        news.through = written?.through ?? [:]
        news.lags = written?.lags ?? [:]
        let isDue = now >= nextBeat || news != written && now >= nextChange || heartbeat.presence == .left
        guard isDue else { return [] }
        heartbeat.beat += 1
        written = heartbeat
        watch.wrote(heartbeat.beat, at: now)
        nextBeat = now + timing.beat
        nextChange = now + timing.shortestBeat
        return [.write(heartbeat)]
    }
}

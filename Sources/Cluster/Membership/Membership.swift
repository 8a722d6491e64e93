import Wire

/// A node's membership of its cluster: which nodes live, which of them count, and which partitions this node claims and
/// drains. It has no clock and does no input or output. A driver gives it all updates of the KV store and of the node's
/// own partitions, and calls ``turn(at:)`` every 100 ms and after each input.
///
/// Nodes agree because all see the same heartbeats in the same order. Where they disagree for a moment, two may claim
/// the same partition; the chain's fence then lets one through. A wrong view costs time, never decisions.
///
/// | if | then |
/// | --- | --- |
/// | a heartbeat stands still for 2 s while this node's own come back | its node is dead |
/// | placement names this node, and no live node holds the partition | this node claims |
/// | placement names another node, and all partitions are served | the lowest such partition is drained |
/// | this node's own heartbeats do not come back | it goes on serving and changes nothing |
///
/// All times are monotonic nanoseconds of this node. Clocks of different nodes are never compared.
package struct Membership: Sendable {
    /// This node's name.
    package let node: String
    /// The number of partitions of the cluster.
    package let partitions: Int
    let standbyCount: Int
    let timing: MembershipTiming

    /// The facts that this node's next heartbeat will report.
    var heartbeat: Heartbeat
    /// The last heartbeat that was written; nil before the first one.
    var written: Heartbeat?
    /// The earliest time of the next heartbeat if nothing changes.
    var nextBeat = Int64.min
    /// The earliest time of the next heartbeat if something changes.
    var nextChange = Int64.min
    var namesake = Namesake()
    var watch = WatchProof()

    /// The other nodes.
    var members: [String: Member] = [:]
    /// The partitions of this node.
    var own = OwnPartitions()
    /// The events to report in the next turn.
    var events: [MembershipEvent] = []

    var startedAt: Int64?
    var lastTurn: Int64?
    /// The time since which this node's heartbeats come back without a break; nil if they do not.
    var seesSince: Int64?
    /// The time at which this node became blind; nil if it sees, or has never seen.
    var blindSince: Int64?
    /// The time at which the last new process was seen.
    var lastNews: Int64?
    var hasStopped = false

    var scores: PlacementScores
    var candidates: [Placement.Candidate] = []
    /// The nodes that partitions belong to.
    package internal(set) var placement: Placement
    var placedAt: Int64?
    /// The partitions that this node should follow if it does not own them.
    var standbyPartitions: Set<Int> = []
    /// The partitions that this node follows, with the last message of the log that each may step.
    var followed: [Int: UInt64] = [:]
    /// The last messages of this node's partitions that are decided on.
    var decided: [Int: UInt64] = [:]
    /// The lags of this node's partitions that have any.
    var lags: [Int: UInt64] = [:]
    var unservable: Set<Int> = []

    /// The nodes that died while they held partitions that nobody has claimed since.
    var losers: [Int: String] = [:]
    /// The node that held each partition last, as far as this node has seen.
    var lastHolders: [Int: String] = [:]
    /// The time of the last check of each partition that another node holds, too.
    var verifiedAt: [Int: Int64] = [:]
    /// The times at which this node released partitions because it leaves.
    var handedOver: [Int: Int64] = [:]
    /// The number of partitions that may be without an owner at a time because this node leaves.
    var handOverWidth = 1

    /// Creates the membership of a node that has just started.
    ///
    /// - Parameters:
    ///   - node: The node's name, which must satisfy ``NodeName``.
    ///   - incarnation: A random number, drawn once for the process.
    ///   - partitions: The number of partitions of the cluster.
    ///   - standbys: The number of warm standbys of each partition.
    ///   - addresses: The node's addresses, for the others.
    ///   - timing: The durations.
    package init(
        node: String, incarnation: UInt64, partitions: Int, standbys: Int = 0,
        addresses: Heartbeat.Addresses = .init(), timing: MembershipTiming = .init()
    ) {
        precondition(NodeName.isValid(node) && partitions > 0)
        self.node = node
        self.partitions = partitions
        standbyCount = standbys
        self.timing = timing
        heartbeat = Heartbeat(incarnation: incarnation, addresses: addresses, program: Version.current)
        scores = PlacementScores(partitions: partitions)
        placement = Placement(on: [], scores: &scores)
    }
}

/// The driver's inputs.
extension Membership {
    /// The node's addresses, for the others. The driver may know them only after the node has opened its sockets.
    package var addresses: Heartbeat.Addresses {
        get { heartbeat.addresses }
        set { heartbeat.addresses = newValue }
    }

    /// Takes an update of the KV store. Before the first turn, the driver passes on all values that the watch finds at
    /// its start.
    ///
    /// - Parameters:
    ///   - node: The node whose heartbeat changed.
    ///   - revision: The KV store's revision.
    ///   - value: The heartbeat; nil if somebody deleted it.
    ///   - now: The time.
    package mutating func observe(_ node: String, revision: UInt64, value: [UInt8]?, at now: Int64) {
        guard let value else { return forget(node) }
        let content = Result { () throws(HeartbeatError) in
            try Heartbeat(json: value, node: node, partitions: partitions)
        }
        observe(node, revision: revision, heartbeat: content, at: now)
    }

    /// Takes an update whose value is already read.
    package mutating func observe(
        _ node: String, revision: UInt64, heartbeat: Result<Heartbeat, HeartbeatError>, at now: Int64
    ) {
        if node == self.node {
            observeOwn(heartbeat, revision: revision, at: now)
        } else {
            observeOther(node, heartbeat, revision: revision, at: now)
        }
    }

    /// Notes that the last heartbeat could not be written.
    package mutating func heartbeatFailed(at now: Int64) { nextBeat = min(nextBeat, now + timing.retry) }

    /// Notes the state of a partition that this node holds.
    package mutating func partition(_ partition: Int, is state: Heartbeat.PartitionState) {
        own.update(partition, state)
    }

    /// Notes the progress of a partition that this node holds.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - through: The last message of the log whose decisions are in the chain.
    ///   - lag: The number of messages of the log that are not applied yet.
    package mutating func partition(_ partition: Int, isDecidedThrough through: UInt64, lag: UInt64) {
        guard own.held[partition] != nil else { return }
        if standbyCount > 0 { decided[partition] = through }
        lags[partition] = lag > 0 ? lag : nil
    }

    /// Notes that this node no longer follows a partition, although it did not end the standby.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - refusal: The reason why this node cannot serve the partition; nil if it can, and may follow it again.
    package mutating func standbyEnded(_ partition: Int, refusal: String?) {
        followed[partition] = nil
        if let refusal, own.held[partition] == nil { own.refuse(partition, refusal) }
    }

    /// Notes that this node no longer holds a partition.
    package mutating func partition(_ partition: Int, ended end: PartitionEnd, at now: Int64) {
        guard own.held[partition] != nil else { return }
        decided[partition] = nil
        lags[partition] = nil
        if heartbeat.presence == .leaving { handedOver[partition] = now }
        own.end(partition, end, at: now, timing)
    }

    /// Notes that this node cannot serve a partition that it does not hold. A driver that knows this before the node
    /// counts spares the cluster the attempt.
    package mutating func refuse(_ partition: Int, reason: String) { own.refuse(partition, reason) }

    /// Notes that this node can serve a partition that it has refused.
    package mutating func accept(_ partition: Int) { own.accept(partition) }

    /// Asks the node to leave: it drains its partitions and then stops.
    package mutating func drain() {
        guard [.joining, .member].contains(heartbeat.presence) else { return }
        heartbeat.presence = .leaving
        // With this width, the handing over takes about ten partitions' time at most.
        handOverWidth = max(1, (own.held.count + 9) / 10)
    }
}

/// Updates of the KV store.
extension Membership {
    private mutating func observeOwn(
        _ content: Result<Heartbeat, HeartbeatError>, revision: UInt64, at now: Int64
    ) {
        let other = try? content.get()
        if let other, other.incarnation == heartbeat.incarnation {
            watch.cameBack(other.beat)
        } else if namesake.observe(other, revision: revision, at: now) {
            events.append(.nameContested)
        }
    }

    private mutating func observeOther(
        _ name: String, _ content: Result<Heartbeat, HeartbeatError>, revision: UInt64, at now: Int64
    ) {
        guard var member = members[name] else {
            members[name] = Member(name: name, revision: revision, content, at: now)
            lastNews = now
            report(content, of: name)
            return
        }
        guard member.isNews(revision: revision, content) else { return }
        let before = member
        member.update(revision: revision, content, at: now, timing)
        members[name] = member
        if before.problem == nil { report(content, of: name) }
        if !before.isLive || !before.hasMoved, member.isLive { events.append(.joined(node: name)) }
        guard let heartbeat = member.heartbeat, member.problem == nil else { return }
        if heartbeat.incarnation != before.heartbeat?.incarnation {
            lastNews = now
            if !before.holdings.isEmpty {
                bereave(before)
                events.append(.restarted(node: name, partitions: before.holdings.keys.sorted()))
            }
        }
        guard heartbeat.presence != before.heartbeat?.presence else { return }
        switch heartbeat.presence {
        case .joining: break
        case .member: events.append(.counts(node: name))
        case .leaving: events.append(.leaving(node: name))
        case .left: events.append(.left(node: name))
        }
    }

    private mutating func report(_ content: Result<Heartbeat, HeartbeatError>, of name: String) {
        if case .failure(let error) = content { events.append(.unreadable(error)) }
    }

    /// Removes a node whose heartbeat was deleted.
    private mutating func forget(_ node: String) {
        guard let member = members.removeValue(forKey: node), member.isLive else { return }
        bereave(member)
        events.append(.left(node: node))
    }

    /// Notes that a node no longer holds its partitions, although it did not release them.
    mutating func bereave(_ member: Member) {
        for partition in member.holdings.keys { losers[partition] = member.name }
    }
}

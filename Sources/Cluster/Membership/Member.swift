/// Another node, as this node sees it.
struct Member: Equatable, Sendable {
    let name: String
    /// The node's last heartbeat that could be read; nil if none could.
    private(set) var heartbeat: Heartbeat?
    /// The reason why the node's current heartbeat cannot be read.
    private(set) var problem: HeartbeatError?
    /// The KV store's revision of the current heartbeat.
    private var revision: UInt64
    /// The time at which the heartbeat last changed; later if this node could not see since then.
    private(set) var changedAt: Int64
    /// Whether the heartbeat has changed since this node first saw it. Until then, it may be a dead node's last one.
    private(set) var hasMoved = false
    /// Whether the heartbeat stands still.
    private(set) var isDead = false
    /// The time from which the node counts again after it was dead.
    private(set) var countsFrom = Int64.min

    init(name: String, revision: UInt64, _ content: Result<Heartbeat, HeartbeatError>, at now: Int64) {
        self.name = name
        self.revision = revision
        changedAt = now
        take(content)
    }

    /// Whether the node runs, as far as this node knows.
    var isLive: Bool { !isDead && (problem != nil || heartbeat?.presence != .left) }
    /// Whether the node runs, but its heartbeat cannot be read.
    var isUnreadable: Bool { isLive && problem != nil }
    /// The node's last heartbeat, if the node runs and the heartbeat can be read.
    var liveHeartbeat: Heartbeat? { isLive && problem == nil ? heartbeat : nil }
    /// The partitions that the node reports to hold.
    var holdings: [Int: Heartbeat.PartitionState] { liveHeartbeat?.partitions ?? [:] }

    /// Whether an update brings something new. After a watch is started anew, known heartbeats arrive again.
    func isNews(revision: UInt64, _ content: Result<Heartbeat, HeartbeatError>) -> Bool {
        guard revision != self.revision else { return false }
        guard case .success(let news) = content, let heartbeat, problem == nil else { return true }
        return news.incarnation != heartbeat.incarnation || news.beat > heartbeat.beat
    }

    /// Takes a new heartbeat.
    mutating func update(
        revision: UInt64, _ content: Result<Heartbeat, HeartbeatError>, at now: Int64, _ timing: MembershipTiming
    ) {
        self.revision = revision
        if isDead { countsFrom = now + timing.probation }
        isDead = false
        hasMoved = true
        changedAt = now
        take(content)
    }

    /// Declares the node dead if its heartbeat stands still.
    ///
    /// - Returns: Whether the node has just died.
    mutating func die(ifStillAt now: Int64, _ timing: MembershipTiming) -> Bool {
        guard isLive, now - changedAt >= timing.death else { return false }
        isDead = true
        return true
    }

    /// Begins to count anew how long the heartbeat stands still.
    mutating func restartClock(at now: Int64) { changedAt = now }

    private mutating func take(_ content: Result<Heartbeat, HeartbeatError>) {
        switch content {
        case .success(let heartbeat):
            if heartbeat.incarnation != self.heartbeat?.incarnation { countsFrom = .min }
            self.heartbeat = heartbeat
            problem = nil
        case .failure(let error): problem = error
        }
    }
}

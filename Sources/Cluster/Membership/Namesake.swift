/// Finds out whether another process writes heartbeats under this node's name.
///
/// A node that finds an older heartbeat of its name writes nothing until that heartbeat stands still. If the heartbeat
/// moves, its writer runs, and this node stops. Two nodes that began to write at the same time compare their heartbeats,
/// so that exactly one stops.
struct Namesake: Equatable, Sendable {
    /// The number of changes that prove that the other process runs. The last writes of a process that was killed may
    /// arrive late, but those are at most two.
    private static let proof = 3

    /// The other process's last heartbeat; nil if there is none, or if it cannot be read.
    private var heartbeat: Heartbeat?
    private var revision: UInt64?
    private var changes = 0
    private var changedAt = Int64.min

    /// The addresses of the other process.
    var addresses: Heartbeat.Addresses { heartbeat?.addresses ?? Heartbeat.Addresses() }
    /// The number of restarts of this node in quick succession, including this one.
    var restarts: Int { heartbeat.map { min($0.restarts, 1000) + 1 } ?? 0 }

    /// Takes a heartbeat that this process did not write.
    ///
    /// - Parameters:
    ///   - heartbeat: The heartbeat; nil if it cannot be read.
    ///   - revision: The KV store's revision.
    ///   - now: The time.
    /// - Returns: Whether this is the first change, so that somebody seems to use the name.
    mutating func observe(_ heartbeat: Heartbeat?, revision: UInt64, at now: Int64) -> Bool {
        guard revision != self.revision else { return false }
        let isFirst = self.revision == nil
        changes = isFirst || heartbeat?.incarnation != self.heartbeat?.incarnation ? 0 : changes + 1
        self.heartbeat = heartbeat
        self.revision = revision
        changedAt = now
        return changes == 1
    }

    /// Whether this node may begin to write: no other process has used the name lately.
    func isSilent(at now: Int64, _ timing: MembershipTiming) -> Bool {
        guard revision != nil, heartbeat?.presence != .left else { return true }
        return now - changedAt >= timing.death
    }

    /// Returns whether the other process runs and this one must stop. This node's last heartbeat is nil if it has not
    /// written one.
    func prevails(over own: Heartbeat?) -> Bool {
        guard changes >= Self.proof, heartbeat?.presence != .left else { return false }
        guard let own else { return true }
        guard let heartbeat else { return false }
        // An incarnation never loses its standing, so the two nodes never both find that the other prevails.
        let hasStanding = heartbeat.presence != .joining
        let ownStanding = own.presence != .joining
        return hasStanding == ownStanding ? heartbeat.incarnation < own.incarnation : hasStanding
    }
}

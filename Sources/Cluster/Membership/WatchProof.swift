/// The proof that this node's watch of the KV store works: its own heartbeats come back. Updates arrive in the order of
/// their revisions, so when a heartbeat comes back, everything that was stored before it has arrived, too.
struct WatchProof: Sendable {
    /// The heartbeats that have not come back yet, with the times at which they were written.
    private var written: [(beat: UInt64, time: Int64)] = []
    /// The time at which the last heartbeat that came back was written; nil if none has come back.
    private(set) var provenAt: Int64?

    /// The maximum number of heartbeats to remember.
    private static let maximum = 128

    mutating func wrote(_ beat: UInt64, at now: Int64) {
        if written.count == Self.maximum { written.removeFirst() }
        written.append((beat, now))
    }

    mutating func cameBack(_ beat: UInt64) {
        guard let index = written.firstIndex(where: { $0.beat == beat }) else { return }
        provenAt = written[index].time
        written.removeSubrange(...index)
    }

    /// Forgets all heartbeats, because those that come back from now on prove nothing about the present.
    mutating func forget() { self = WatchProof() }

    /// Whether the watch works.
    func holds(at now: Int64, _ timing: MembershipTiming) -> Bool {
        provenAt.map { now - $0 <= timing.proof } ?? false
    }
}

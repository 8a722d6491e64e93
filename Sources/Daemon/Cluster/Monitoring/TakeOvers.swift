import Cluster

/// The claims of a node, for metrics and the live page.
struct TakeOvers: Sendable {
    /// A claim.
    struct Entry: Equatable, Sendable {
        /// The time of the claim in nanoseconds since the Unix epoch.
        let time: Int64
        let partition: Int
        let cause: ClaimCause
    }

    /// The number of last claims that are kept.
    private static let kept = 20

    /// The number of claims by ``ClaimCause/word``.
    private(set) var counts: [String: UInt64] = [:]
    /// The last claims, newest first.
    private(set) var last: [Entry] = []

    /// Notes a claim.
    mutating func note(_ entry: Entry) {
        counts[entry.cause.word, default: 0] += 1
        last.insert(entry, at: 0)
        if last.count > Self.kept { last.removeLast() }
    }
}

/// A change in the cluster that people want to know about.
package enum MembershipEvent: Equatable, Sendable {
    /// A node writes heartbeats.
    case joined(node: String)
    /// A node counts for placement from now on.
    case counts(node: String)
    /// A node is dead: its heartbeat stood still. It held these partitions.
    case lost(node: String, partitions: [Int])
    /// A node was started anew without draining. It held these partitions.
    case restarted(node: String, partitions: [Int])
    /// A node has said that it drains its partitions.
    case leaving(node: String)
    /// A node has stopped in an orderly way.
    case left(node: String)
    /// This node claims a partition.
    case claims(partition: Int, ClaimCause)
    /// No node can serve a partition. The reasons are sorted by node.
    case unservable(partition: Int, reasons: [String])
    /// A node can serve the partition again.
    case servable(partition: Int)
    /// A heartbeat cannot be read. While it is so, the node counts for nothing.
    case unreadable(HeartbeatError)
    /// This node's own heartbeats do not come back, so it changes nothing for the time being.
    case blind
    /// This node's heartbeats come back again, after so many nanoseconds.
    case sees(after: Int64)
    /// This node's process was frozen for so many nanoseconds.
    case frozen(for: Int64)
    /// Another node writes heartbeats under this node's name.
    case nameContested
}

/// The sentences for the log.
extension MembershipEvent: CustomStringConvertible {
    package var description: String {
        switch self {
        case .joined(let node): "node \(node) joins the cluster"
        case .counts(let node): "node \(node) is a member: partitions are placed on it"
        case .lost(let node, let partitions): "node \(node) is dead; it held \(Self.list(partitions))"
        case .restarted(let node, let partitions):
            "node \(node) has restarted without draining; it held \(Self.list(partitions))"
        case .leaving(let node): "node \(node) drains its partitions, because it leaves"
        case .left(let node): "node \(node) has left the cluster"
        case .claims(let partition, let cause): "claims partition \(partition): \(cause)"
        case .unservable(let partition, let reasons):
            "no node can serve partition \(partition): \(reasons.joined(separator: "; "))"
        case .servable(let partition): "partition \(partition) can be served again"
        case .unreadable(let error): error.description
        case .blind: "this node's heartbeats do not come back from NATS; it serves its partitions and changes nothing"
        case .sees(let time): "this node's heartbeats come back from NATS, after \(Self.seconds(time))"
        case .frozen(let time): "this process was frozen for \(Self.seconds(time))"
        case .nameContested: "another process writes heartbeats under this node's name"
        }
    }

    private static func list(_ partitions: [Int]) -> String {
        guard !partitions.isEmpty else { return "no partition" }
        return (partitions.count == 1 ? "partition " : "the partitions ")
            + partitions.map { "\($0)" }.joined(separator: ", ")
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        "\(Double(nanoseconds / 100_000_000) / 10) s"
    }
}

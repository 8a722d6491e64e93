/// A step that ``Membership`` asks its driver to take.
package enum MembershipAction: Equatable, Sendable {
    /// Write this node's heartbeat to the KV store. The driver does not wait for the answer. If the last write is still
    /// under way, the driver keeps the newest heartbeat and writes it next. After a second without an answer, it reports
    /// ``Membership/heartbeatFailed(at:)``.
    case write(Heartbeat)
    /// Claim a partition.
    case claim(Int)
    /// Finish the work on a partition and release it.
    case drain(Int)
    /// Compare the end of a partition's chain with this node's last write, because another node holds the partition,
    /// too. The one that the chain does not name ends with ``PartitionEnd/fenced(by:)``.
    case verify(Int)
    /// Follow a partition as a warm standby.
    case beginStandby(Int)
    /// Let the standby of a partition step the log up to this message, on which the owner has decided.
    case advanceStandby(Int, through: UInt64)
    /// Stop following a partition. ``claim(_:)`` of the same partition does not need this step.
    case endStandby(Int)
    /// Write an event to the log.
    case report(MembershipEvent)
    /// End the process. Nothing follows.
    case stop(MembershipStop)
}

/// The reason why a node stops.
package enum MembershipStop: Equatable, Sendable {
    /// The node was asked to leave, and all its partitions are released.
    case drained
    /// Another node of the same name runs, with these addresses.
    case nameTaken(by: Heartbeat.Addresses)
}

/// The reason why this node no longer holds a partition.
package enum PartitionEnd: Equatable, Sendable {
    /// The node has drained the partition.
    case drained
    /// Another node has written to the chain; nil if its name is not known yet.
    case fenced(by: String?)
    /// The log or the chain did not answer. The node may have lost the partition meanwhile, so it looks at the members
    /// again before it claims.
    case unanswered
    /// The node cannot serve the partition: it has other weights, rules or kernels, or the data is damaged.
    case cannotServe(reason: String)
}

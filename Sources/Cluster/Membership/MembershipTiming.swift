/// The durations that membership depends on, in nanoseconds of the node's monotonic clock. No duration guards
/// correctness: the chain's fence alone does.
package struct MembershipTiming: Equatable, Sendable {
    /// The time between two heartbeats.
    package var beat = Self.milliseconds(400)
    /// The shortest time between two heartbeats that report changes.
    package var shortestBeat = Self.milliseconds(20)
    /// The time before a heartbeat that could not be written is written again.
    package var retry = Self.milliseconds(100)
    /// The time for which a heartbeat must stand still until its node is dead.
    package var death = Self.milliseconds(2000)
    /// The maximum age of this node's last heartbeat that came back. With an older one, the watch proves nothing. In an
    /// outage of the KV store, another node's heartbeat stands still one beat longer than this node's. The sum of both
    /// must stay below ``death``, so that an outage kills nobody.
    package var proof = Self.milliseconds(1200)
    /// The time between two turns above which this node was frozen.
    package var freeze = Self.milliseconds(1000)
    /// The time for which a new node must write heartbeats until it counts. Each recent restart adds as much.
    package var probation = Self.milliseconds(5000)
    /// The maximum number of restarts that lengthen the probation.
    package var countedRestarts = 3
    /// The uptime after which earlier restarts are forgotten.
    package var steady = Self.milliseconds(30_000)
    /// The time without a further node after which the nodes of a cluster in which none counts begin to count. It is
    /// two beats and a half: every node that runs has written at least twice. A longer time would delay each start of a
    /// whole cluster and of a single node.
    package var quiet = Self.milliseconds(1000)
    /// The time for which a placement must be unchanged until partitions move because of it. By then, every node has
    /// the same placement.
    package var settling = Self.milliseconds(1000)
    /// The first delay before a node claims a partition again that another node took from it. Each further loss of the
    /// same partition doubles the delay, up to ``longestBackOff``.
    package var backOff = Self.milliseconds(1000)
    /// The longest delay before a node claims a partition again.
    package var longestBackOff = Self.milliseconds(16_000)
    /// The delay before a node claims a partition again whose log did not answer.
    package var unansweredBackOff = Self.milliseconds(500)
    /// The time between two checks of the chain while two nodes report that they hold a partition.
    package var verification = Self.milliseconds(1000)
    /// The time for which a node that leaves waits for a partition's next owner before it drains the next partition.
    package var handOver = Self.milliseconds(1000)

    /// Creates the usual durations.
    package init() {}

    /// Returns a number of milliseconds in nanoseconds.
    package static func milliseconds(_ count: Int64) -> Int64 { count * 1_000_000 }
}

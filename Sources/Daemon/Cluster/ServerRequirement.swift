#if Cluster
import NATS

/// The NATS servers that a node accepts.
struct ServerRequirement {
    /// The oldest version that Sluice is tested with.
    private static let tested = [2, 12, 0]
    /// The oldest version that keeps the cluster's promises. Earlier ones can lose a stream when a server is killed, and
    /// the oldest let two writers win one compare-and-set.
    private static let oldest = [2, 10, 23]
    /// The number of servers of which one may die without a loss.
    private static let replicas = 3

    /// Whether versions between ``oldest`` and ``tested`` are accepted.
    let acceptsUnsafe: Bool

    /// Checks a server.
    ///
    /// - Returns: The text of a warning if only `acceptsUnsafe` lets the server pass; otherwise nil.
    /// - Throws: ``DaemonError`` with the server, the reason and the remedy.
    func warning(of server: ServerInformation) throws(DaemonError) -> String? {
        guard !server.isAtLeast(Self.tested) else { return nil }
        let version = "the NATS server '\(server.name)' has the version \(server.version)"
        guard server.isAtLeast(Self.oldest) else {
            throw DaemonError(.configuration, "\(version), which can lose streams; install 2.12 or later")
        }
        guard acceptsUnsafe else {
            throw DaemonError(
                .configuration,
                "\(version), which is too old; install 2.12 or later, or accept it with --unsafe-server")
        }
        return "\(version), with which Sluice is not tested; install 2.12 or later"
    }

    /// Checks the number of servers that store each message.
    ///
    /// - Parameter count: The least number of servers that store a log.
    /// - Returns: The text of a warning if there are too few; otherwise nil.
    static func warning(replicas count: Int) -> String? {
        guard count < replicas else { return nil }
        return "logs have \(count) of \(replicas) replicas, so the death of a NATS server stops decisions and can lose "
            + "them; run 'nats stream edit' with --replicas \(replicas) for each stream"
    }
}
#endif

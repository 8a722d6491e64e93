import Cluster
import Foundation

/// The options of a node of a cluster.
public struct ClusterConfiguration: Equatable, Sendable {
    /// The numbers of standbys that a node accepts.
    public static let standbyCounts = 0...4
    /// The permitted values of ``retainedMessages``.
    public static let retainedMessageCounts = 0...1_000_000_000

    /// The URLs of the NATS servers.
    public var servers: [String]
    /// The node's name, which no other node of the cluster has.
    public var node: String
    /// The number of warm standbys of each partition.
    public var standbys = 0
    /// The maximum number of streams in each partition; nil for no limit.
    public var maximumStreamsPerPartition: Int?
    /// The number of messages of decisions that NATS keeps of each partition before its last checkpoint.
    public var retainedMessages = 100_000
    /// The file with the seed of the node's nkey; nil for none.
    public var nkeyFile: String?
    /// The file with the node's credentials; nil for none.
    public var credentialsFile: String?
    /// The file with the certificates of the authorities for TLS, in PEM; nil for those of the system.
    public var authorityFile: String?
    /// The file with the node's certificate chain for TLS, in PEM; nil for none.
    public var certificateFile: String?
    /// The file with the key of the certificate, in PEM.
    public var keyFile: String?
    /// Whether servers are accepted that are older than the versions that Sluice is tested with.
    public var acceptsUnsafeServers = false

    /// Creates options.
    ///
    /// - Parameters:
    ///   - servers: The URLs of the NATS servers, separated by commas.
    ///   - node: The node's name; nil for the machine's name.
    public init(servers: String, node: String? = nil) {
        self.servers = servers.split(separator: ",").map { String($0) }
        self.node = node ?? ProcessInfo.processInfo.hostName.replacing(".", with: "-")
    }
}

extension DaemonConfiguration {
    /// Throws if an option does not work in a cluster.
    ///
    /// - Throws: ``DaemonError`` that names the option, the reason and the remedy.
    func checkCluster() throws(DaemonError) {
        guard let cluster else { return }
        #if !Cluster
        throw DaemonError(
            .usage,
            "this build of sluiced has no support for clusters: install the package sluice-cluster for --cluster")
        #else
        guard NodeName.isValid(cluster.node) else {
            throw DaemonError(
                .usage,
                "'\(cluster.node)' cannot be the name of a node: give --node NAME with 1 to \(NodeName.maximumLength) letters, "
                    + "digits, '-', '_' and single dots in between")
        }
        if durability == .journal {
            throw DaemonError(
                .usage,
                "--durability journal does not work with --cluster: the logs in NATS take its place; leave it out")
        }
        if stateFolder != nil {
            throw DaemonError(
                .usage, "--state-dir does not work with --cluster: NATS stores the state; leave out --state-dir")
        }
        if lastValue {
            throw DaemonError(
                .usage,
                "--last-value does not work with --cluster: a node does not have the state of all streams; leave it out"
            )
        }
        if maximumStreams != nil {
            throw DaemonError(
                .usage,
                "--max-streams does not work with --cluster: no node counts the streams of all partitions; give "
                    + "--max-streams-per-partition instead")
        }
        if idleAfter != nil {
            throw DaemonError(
                .usage, "--idle-after does not work with --cluster: all streams stay in memory; leave it out")
        }
        for model in models where model.policy.fault == .checkpoint {
            throw DaemonError(
                .usage,
                "on_fault checkpoint of the model '\(model.name)' does not work with --cluster: a decision would depend on "
                    + "when the last checkpoint was; use on_fault zero")
        }
        #endif
    }
}

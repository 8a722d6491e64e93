#if Cluster
import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// A real cluster: a NATS server, and nodes in processes of their own.
final class TestCluster {
    let servers: NATSServers
    private(set) var nodes: [DaemonProcess] = []
    private let arguments: [String]
    let partitions: Int

    /// Starts NATS, creates the cluster and starts its nodes. Waits until every partition is served.
    ///
    /// - Parameters:
    ///   - arguments: The models and options of each node.
    ///   - count: The number of nodes.
    ///   - partitions: The number of partitions.
    /// - Throws: An error if the nodes do not start.
    init(_ arguments: [String], nodes count: Int = 2, partitions: Int = 4) throws {
        self.arguments = arguments
        self.partitions = partitions
        servers = try NATSServers()
        let created = try FinishedProgram(
            "sluice",
            [
                "cluster", "create", "--nats", servers.urls[0], "--partitions", "\(partitions)", "--replicas", "1",
            ])
        try #require(created.status == 0, "\(created.errorOutput)")
        for _ in 0..<count { try start() }
        try waitUntilServed(by: count)
    }

    /// Starts another node.
    ///
    /// - Parameter arguments: The models and options; nil for those of the other nodes.
    /// - Throws: An error if the node does not become ready.
    func start(_ arguments: [String]? = nil) throws {
        nodes.append(
            try DaemonProcess(
                (arguments ?? self.arguments) + ["--cluster", servers.urls[0], "--node", "n\(nodes.count + 1)"],
                ingest: ["pull:@tcp://127.0.0.1:*"]))
    }

    /// Waits until every partition is served, and each of some nodes has some.
    func waitUntilServed(by count: Int) throws {
        let served: Bool? = try eventually {
            let status = try status()
            let owners = status.partitions.compactMap { $0.state == "serving" ? $0.owner : nil }
            return owners.count == partitions && Set(owners).count == count ? true : nil
        }
        try #require(served == true, "not all partitions are served: \(nodes.last?.log ?? "")")
    }

    /// The cluster as the last node sees it.
    func status() throws -> ClusterStatus { try control(nodes.count - 1).call(.cluster) }

    /// Returns a client of a node.
    func control(_ node: Int) throws -> ControlClient {
        try ControlClient(endpoint: connecting(nodes[node].control), timeoutSeconds: 60 * patience, in: try Context())
    }

    /// Runs `sluice` against a node.
    func sluice(_ arguments: [String], _ node: Int = 0, input: String = "") throws -> FinishedProgram {
        try FinishedProgram("sluice", arguments + ["--control", connecting(nodes[node].control)], input: input)
    }

    /// Kills the owner of a stream as a crash does.
    ///
    /// - Returns: The node that was killed.
    @discardableResult
    func killOwner(of stream: String) throws -> Int {
        let partition = Partitioning.partition(of: stream.utf8.span, count: partitions)
        let owner = try #require(try status().partitions[partition].owner)
        let node = try #require(Int(owner.dropFirst())) - 1
        nodes[node].kill()
        return node
    }
}
#endif

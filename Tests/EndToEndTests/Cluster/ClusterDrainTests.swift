#if Cluster
import Client
import TestSupport
import Testing
import Wire

/// Tests `sluice cluster drain`, which stops a node in order.
@Suite struct `A drain of a node` {
    private let ids = (0..<12).map { "meter-\($0)" }

    private func feed(_ peer: Peer, seed: Int) throws -> [[[UInt64]]] {
        try ids.enumerated().map { number, id in try peer.decide(id, values(5, seed: seed + number)).bits }
    }

    @Test func `ends when another node has left, and its partitions go on elsewhere`() throws {
        let cluster = try TestCluster([model2])
        let single = try Peer(try DaemonProcess([model2]))
        let peer = try Peer(cluster.nodes[0])
        #expect(try feed(peer, seed: 1) == feed(single, seed: 1))

        let unknown = try cluster.sluice(["cluster", "drain", "n9"])
        #expect(unknown.status == 64)
        #expect(unknown.errorOutput.contains("'n9'") && unknown.errorOutput.contains("n1, n2"))

        let drained = try cluster.sluice(["cluster", "drain", "n2"])
        #expect(drained.status == 0 && drained.output == "n2 has left\n", "\(drained.errorOutput)")
        #expect(cluster.nodes[1].waitForEnd() == 0)
        #expect(try cluster.control(0).call(.cluster).nodes.map(\.name) == ["n1"])
        let report = try cluster.sluice(["cluster", "--partitions"]).output
        #expect(report.contains("partition 3: n1, "))
        #expect(report.contains(#/n1 took over partition \d: node n2, which held it, /#), "\(report)")
        #expect(try feed(peer, seed: 50) == feed(single, seed: 50))
    }

    @Test func `begins at once on the node that is asked itself`() throws {
        let cluster = try TestCluster([model2])
        let drained = try cluster.sluice(["cluster", "drain", "n1"])
        #expect(drained.status == 0 && drained.output == "n1 hands over its partitions and stops\n")
        #expect(cluster.nodes[0].waitForEnd() == 0)
    }

    @Test func `is refused on one machine`() throws {
        let daemon = try DaemonProcess([model2])
        let drained = try FinishedProgram(
            "sluice", ["cluster", "drain", "n1", "--control", connecting(daemon.control)])
        #expect(drained.status == 1 && drained.errorOutput.contains("this daemon runs on one machine"))
    }
}
#endif

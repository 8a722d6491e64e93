#if Cluster
import Client
import TestSupport
import Testing
import Wire

/// Tests snapshots of a cluster, which are marks in the logs of its partitions.
@Suite struct `A snapshot of a cluster` {
    private let ids = (0..<12).map { "meter-\($0)" }
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func feed(_ peer: Peer, seed: Int) throws -> [[[UInt64]]] {
        try ids.enumerated().map { number, id in try peer.decide(id, values(5, seed: seed + number)).bits }
    }

    @Test func `a restore gives the decisions of a single daemon, though owners die before and after it`() throws {
        let cluster = try TestCluster([model2], nodes: 3, partitions: 6)
        let single = try Peer(try DaemonProcess([model2, "--state-dir", folder.path("state")]))
        let peer = try Peer(cluster.nodes[0])
        #expect(try feed(peer, seed: 1) == feed(single, seed: 1))
        let taken = try peer.control.call(.snapshot(name: "monday", .prefix("meter-")))
        let expected = try single.control.call(.snapshot(name: "monday", .prefix("meter-")))
        #expect(taken.streams == expected.streams && taken.bytes == expected.bytes && taken.models == expected.models)
        #expect(try feed(peer, seed: 50) == feed(single, seed: 50))

        try killAnOwner(of: cluster)
        #expect(try feed(peer, seed: 100) == feed(single, seed: 100))
        let restored = try peer.control.call(.restore(name: "monday", .all))
        #expect(try restored == single.control.call(.restore(name: "monday", .all)))
        try killAnOwner(of: cluster)
        #expect(try feed(peer, seed: 150) == feed(single, seed: 150))
        for id in ids {
            var export = try peer.control.call(.export(id))
            let expected = try single.control.call(.export(id))
            export.time = expected.time
            #expect(export == expected)
        }
    }

    /// Kills a node other than the first, which the peer uses.
    private func killAnOwner(of cluster: TestCluster) throws {
        let owners = try cluster.control(0).call(.cluster).partitions.compactMap(\.owner)
        let owner = try #require(owners.first { $0 != "n1" })
        cluster.nodes[try #require(Int(owner.dropFirst())) - 1].kill()
    }

    @Test func `the tool takes, lists, restores and deletes snapshots`() throws {
        let cluster = try TestCluster([model2])
        let peer = try Peer(cluster.nodes[0])
        _ = try feed(peer, seed: 1)
        let before = try peer.control.call(.export("meter-1"))
        #expect(try cluster.sluice(["snapshot", "monday"]).status == 0)
        #expect(try cluster.sluice(["snapshot", "monday"], 1).status == 64, "the name is taken")
        #expect(try cluster.sluice(["snapshot", "one", "meter-1"], 1).status == 0)
        #expect(try cluster.sluice(["snapshot", "none", "unknown"]).status == 66)
        let list = try cluster.control(1).call(.snapshots).snapshots
        #expect(list.map(\.name) == ["monday", "one"] && list.map(\.streams) == [12, 1])

        _ = try feed(peer, seed: 50)
        #expect(try cluster.sluice(["restore", "one", "meter-2"]).status == 66)
        #expect(try cluster.sluice(["restore", "monday", "meter-1"], 1).status == 0)
        #expect(try peer.control.call(.export("meter-1")) == before)
        #expect(try peer.control.call(.stream("meter-2")).sequence == 10)

        #expect(try cluster.sluice(["delete-snapshot", "monday"], 1).status == 0)
        #expect(try cluster.sluice(["restore", "monday"]).status == 66)
        #expect(try cluster.sluice(["delete-snapshot", "monday"]).status == 66)
        #expect(try cluster.control(0).call(.snapshots).snapshots.map(\.name) == ["one"])
        #expect(try cluster.sluice(["snapshot", "monday"]).status == 0, "the name is free again")
    }
}
#endif

import Cluster
import TestSupport
import Testing

/// Tests membership in simulated clusters, each with delays and faults from a seed.
@Suite struct `A simulated cluster` {
    static let three = ["a", "b", "c"]

    @Test func `starts with each partition claimed once`() {
        forSeeds(40) { seed in
            var cluster = SimulatedCluster(seed: seed)
            for node in Self.three { cluster.at(cluster.delay(ms(700)), .start(node)) }
            cluster.run(until: ms(3000))
            if cluster.record.claims.count != 8 { return "\(cluster.record.claims.count) claims" }
            return cluster.disorder()
        }
    }

    @Test func `of one node serves after a second`() {
        forSeeds(40) { seed in
            var cluster = SimulatedCluster(seed: seed)
            cluster.at(0, .start("a"))
            cluster.run(until: ms(1600))
            return cluster.disorder()
        }
    }

    @Test func `that was killed as a whole serves 3 s after it is started again`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            for node in Self.three { cluster.at(cluster.now + 1, .kill(node)) }
            for node in Self.three { cluster.at(cluster.now + ms(100) + cluster.delay(ms(300)), .start(node)) }
            cluster.run(until: cluster.now + ms(4200))
            return cluster.disorder()
        }
    }

    @Test func `takes over a dead node's partitions after 2 s and before 2.5 s`() {
        forSeeds(60) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            let held = cluster.owners.filter { $0 == "b" }.count
            cluster.at(cluster.now + cluster.delay(ms(400)), .kill("b"))
            cluster.run(until: cluster.now + ms(3000))
            if cluster.record.silences.count < held { return "\(cluster.record.silences.count) of \(held) taken over" }
            if cluster.longestSilence > ms(2500) { return "silent for \(cluster.longestSilence / ms(1)) ms" }
            if cluster.record.claims.contains(where: { $0.time < ms(5600) }) { return "taken over too early" }
            cluster.run(until: cluster.now + ms(5000))
            return cluster.disorder()
        }
    }

    @Test func `moves each partition at most twice while a node restarts ten times in a minute`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            let isKilled = Bool.random(using: &cluster.random)
            for restart in 0..<10 {
                let time = cluster.now + ms(6000) * Int64(restart) + cluster.delay(ms(1500))
                cluster.at(time, isKilled ? .kill("b") : .drain("b"))
                // Only the first time has the node partitions to drain.
                let pause = isKilled ? 0 : restart == 0 ? ms(2000) : ms(100)
                cluster.at(time + pause + cluster.delay(ms(400)), .start("b"))
            }
            cluster.run(until: cluster.now + ms(110_000))
            if let most = cluster.moves.max(), most > 2 { return "moved \(most) times" }
            return cluster.disorder()
        }
    }

    @Test(arguments: [false, true])
    func `moves nothing in an outage of the KV store of 14 s`(stopsChains: Bool) {
        forSeeds(40) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            cluster.at(cluster.now + cluster.delay(ms(400)), .outage(ms(14_000), chains: stopsChains))
            cluster.run(until: cluster.now + ms(30_000))
            return cluster.movement() ?? cluster.disorder()
        }
    }

    @Test func `takes over a node that dies in an outage once the outage ends`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            cluster.at(cluster.now, .outage(ms(8000), chains: true))
            cluster.at(cluster.now + ms(3000), .kill("b"))
            cluster.run(until: cluster.now + ms(13_000))
            return cluster.disorder()
        }
    }

    @Test(arguments: [1, 2])
    func `is never without the owners of two partitions while nodes join`(count: Int) {
        forSeeds(30) { seed in
            // A single node must drain many partitions, so that it could drain several at once.
            var cluster = SimulatedCluster.settled(seed: seed, nodes: count == 1 ? ["a"] : Self.three)
            for node in ["d", "e"].prefix(count) { cluster.at(cluster.now + cluster.delay(ms(500)), .start(node)) }
            cluster.run(until: cluster.now + ms(20_000))
            if cluster.record.mostSilent > 1 { return "\(cluster.record.mostSilent) partitions silent at a time" }
            if cluster.longestSilence > ms(1000) { return "silent for \(cluster.longestSilence / ms(1)) ms" }
            if Set(cluster.owners).isDisjoint(with: ["d", "e"]) { return "the new nodes own nothing" }
            return cluster.disorder()
        }
    }

    @Test func `hands over one partition at a time when a node is drained`() {
        forSeeds(30) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            cluster.at(cluster.now + cluster.delay(ms(400)), .drain("b"))
            cluster.run(until: cluster.now + ms(5000))
            if cluster.processes.first(where: { $0.name == "b" })?.stop != .drained { return "b does not stop" }
            if cluster.record.mostSilent > 1 { return "\(cluster.record.mostSilent) partitions silent at a time" }
            if cluster.longestSilence > ms(1000) { return "silent for \(cluster.longestSilence / ms(1)) ms" }
            cluster.run(until: cluster.now + ms(10_000))
            return cluster.disorder()
        }
    }

    @Test func `stops as a whole when all nodes are drained`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            for node in Self.three { cluster.at(cluster.now + cluster.delay(ms(300)), .drain(node)) }
            cluster.run(until: cluster.now + ms(4000))
            return cluster.processes.allSatisfy { $0.stop == .drained } ? nil : "\(cluster.running) still run"
        }
    }

    @Test(arguments: [true, false])
    func `suffers no harm from a frozen node that wakes`(hasLoad: Bool) {
        forSeeds(60) { seed in
            var options = SimulatedCluster.Options()
            options.hasLoad = hasLoad
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three, options)
            let time = cluster.delay(ms(10_000))
            cluster.at(cluster.now + cluster.delay(ms(400)), .freeze("b", time))
            cluster.run(until: cluster.now + time + ms(30_000))
            if time < ms(1400), let movement = cluster.movement() { return movement }
            return cluster.disorder()
        }
    }

    @Test func `moves nothing when all nodes are frozen together`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            for node in Self.three { cluster.at(cluster.now, .freeze(node, ms(5000) + cluster.delay(ms(200)))) }
            cluster.run(until: cluster.now + ms(15_000))
            return cluster.movement() ?? cluster.disorder()
        }
    }

    @Test func `stops the second node of one name and moves nothing`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three)
            cluster.at(cluster.now + cluster.delay(ms(400)), .start("b"))
            cluster.run(until: cluster.now + ms(5000))
            let first = cluster.processes.firstIndex { $0.name == "b" } ?? 0
            if cluster.processes[3].stop != .nameTaken(by: .init(control: "process \(first)")) {
                return "the second does not stop"
            }
            return cluster.movement() ?? cluster.disorder()
        }
    }

    @Test func `stops one of two nodes of one name that start together`() {
        forSeeds(40) { seed in
            var cluster = SimulatedCluster(seed: seed)
            for node in ["a", "b", "b", "c"] { cluster.at(cluster.delay(ms(100)), .start(node)) }
            cluster.run(until: ms(15_000))
            if cluster.running.sorted() != Self.three { return "\(cluster.running) run" }
            return cluster.disorder()
        }
    }

    @Test func `leaves out a node that cannot serve and says which partitions nobody can serve`() {
        forSeeds(20) { seed in
            var cluster = SimulatedCluster(seed: seed)
            for node in Self.three {
                cluster.at(0, .start(node))
                cluster.at(1, .refuse(node, partitions: [3]))
            }
            cluster.at(1, .refuse("b", partitions: Array(0..<8)))
            cluster.run(until: ms(20_000))
            let reasons = Self.three.map { "\($0): other weights" }
            guard cluster.hasReported({ $0 == .unservable(partition: 3, reasons: reasons) }) else {
                return "nobody says why partition 3 has no owner"
            }
            if cluster.owners.contains("b") { return "b serves" }
            return cluster.disorder()
        }
    }

    @Test func `takes over with the warm standby`() {
        forSeeds(20) { seed in
            var options = SimulatedCluster.Options()
            options.standbys = 1
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three, options)
            let owners = cluster.owners
            let standbys = owners.indices.map { partition in
                cluster.processes.filter { $0.followed.contains(partition) }.map(\.name)
            }
            for (owner, followers) in zip(owners, standbys) where followers.count != 1 || followers == [owner] {
                return "\(followers) follow a partition of \(owner)"
            }
            cluster.at(cluster.now, .kill("b"))
            cluster.run(until: cluster.now + ms(2600))
            for claim in cluster.record.claims where standbys[claim.partition] != [claim.node] {
                return "\(claim.node) takes over \(claim.partition), which \(standbys[claim.partition]) follows"
            }
            return cluster.owners.contains("-") ? "not all is taken over" : nil
        }
    }

    @Test func `comes to order after any sequence of faults`() {
        forSeeds(200) { seed in
            var options = SimulatedCluster.Options()
            options.hasLoad = seed % 3 != 0
            options.standbys = seed % 4 == 0 ? 1 : 0
            var cluster = SimulatedCluster.settled(seed: seed, nodes: Self.three, options)
            let nodes = ["a", "b", "c", "d"]
            var time = cluster.now
            for _ in 0..<Int.random(in: 2...8, using: &cluster.random) {
                time += cluster.delay(ms(6000))
                let node = nodes.randomElement(using: &cluster.random) ?? "a"
                switch Int.random(in: 0..<6, using: &cluster.random) {
                case 0: cluster.at(time, .kill(node))
                case 1: cluster.at(time, .freeze(node, cluster.delay(ms(8000))))
                case 2: cluster.at(time, .drain(node))
                case 3: cluster.at(time, .outage(cluster.delay(ms(10_000)), chains: seed % 2 == 0))
                default:
                    cluster.at(time, .kill(node))
                    cluster.at(time + cluster.delay(ms(3000)), .start(node))
                }
            }
            cluster.run(until: time + ms(12_000))
            for node in nodes where cluster.process(node) == nil { cluster.at(cluster.now, .start(node)) }
            cluster.run(until: cluster.now + ms(60_000))
            return cluster.disorder()
        }
    }
}

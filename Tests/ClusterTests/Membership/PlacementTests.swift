import Cluster
import Testing

/// Tests rendezvous hashing with bounded loads.
@Suite struct `A placement` {
    private func place(_ names: [String], _ partitions: Int, refusals: [String: Set<Int>] = [:]) -> [String?] {
        var scores = PlacementScores(partitions: partitions)
        let candidates = names.map { Placement.Candidate(name: $0, refusals: refusals[$0] ?? []) }
        return Placement(on: candidates, scores: &scores).nodes
    }

    private func loads(_ nodes: [String?]) -> [String: Int] {
        nodes.reduce(into: [:]) { loads, node in node.map { loads[$0, default: 0] += 1 } }
    }

    @Test(arguments: [(1, 1), (1, 8), (3, 8), (3, 64), (8, 64), (7, 256), (12, 8)])
    func `gives each partition a node and no node more than its share`(nodes: Int, partitions: Int) {
        let names = (0..<nodes).map { "node-\($0)" }
        let placed = place(names, partitions)
        #expect(placed.count == partitions)
        #expect(placed.allSatisfy { $0 != nil })
        #expect(loads(placed).values.allSatisfy { $0 <= (partitions + nodes - 1) / nodes })
        #expect(place(names.reversed(), partitions) == placed)
    }

    @Test func `never changes for the same nodes`() {
        #expect(
            place(["a", "b", "c"], 12).map { $0 ?? "-" }.joined() == "ccbbbbaacaca")
    }

    @Test func `moves few partitions besides those of a node that leaves`() {
        var others = 0
        var moved = 0
        for cluster in 0..<10 {
            let names = (0..<8).map { "c\(cluster)-\($0)" }
            let before = place(names, 64)
            for leaver in names {
                let after = place(names.filter { $0 != leaver }, 64)
                for (old, new) in zip(before, after) where old != leaver {
                    others += 1
                    if old != new { moved += 1 }
                }
            }
        }
        #expect(Double(moved) / Double(others) < 0.15, "\(moved) of \(others)")
    }

    @Test func `gives no partition to a node that cannot serve it`() {
        let placed = place(["a", "b", "c"], 9, refusals: ["a": Set(0..<9), "b": [0, 1]])
        #expect(!placed.contains("a"))
        #expect(placed[0] == "c" && placed[1] == "c")
        #expect(loads(placed).values.allSatisfy { $0 <= 5 })
    }

    @Test func `exceeds a node's share if no other node can serve a partition`() {
        let placed = place(["a", "b"], 4, refusals: ["a": [0, 1, 2], "b": [3]])
        #expect(placed == ["b", "b", "b", "a"])
    }

    @Test func `leaves out a partition that no node can serve`() {
        #expect(place(["a", "b"], 3, refusals: ["a": [1], "b": [1]])[1] == nil)
        #expect(place([], 2) == [nil, nil])
    }
}

import Wire

/// The assignment of partitions to nodes: rendezvous hashing with bounded loads. Every node computes the same placement
/// from the same candidates.
///
/// In ascending order, each partition goes to the candidate with the highest score whose load is below the bound. The
/// bound is the number of partitions divided by the number of candidates, rounded up. If a candidate leaves, its
/// partitions are divided among the others, and few others move: with 64 partitions, 1 of 43 on 3 nodes and 6 of 56 on 8
/// nodes.
package struct Placement: Equatable, Sendable {
    /// A node that partitions can be placed on.
    package struct Candidate: Equatable, Sendable {
        /// The node.
        package let name: String
        /// The partitions that the node cannot serve.
        package let refusals: Set<Int>

        /// Creates a candidate. Each parameter sets the property of the same name.
        package init(name: String, refusals: Set<Int> = []) {
            self.name = name
            self.refusals = refusals
        }
    }

    /// The node of each partition; nil if no candidate can serve the partition.
    package let nodes: [String?]

    /// Places all partitions.
    ///
    /// - Parameters:
    ///   - candidates: The nodes, in any order.
    ///   - scores: The scores of the candidates, which also give the number of partitions.
    package init(on candidates: [Candidate], scores: inout PlacementScores) {
        let partitions = scores.partitions
        let candidates = candidates.filter { $0.refusals.count < partitions }.sorted { $0.name < $1.name }
        let columns = candidates.map { scores.scores(of: $0.name) }
        let bound = candidates.isEmpty ? 0 : (partitions + candidates.count - 1) / candidates.count
        var loads = [Int](repeating: 0, count: candidates.count)
        nodes = (0..<partitions).map { partition in
            let ranked = candidates.indices
                .filter { !candidates[$0].refusals.contains(partition) }
                .sorted { (columns[$0][partition], $1) > (columns[$1][partition], $0) }
            // If every candidate that can serve the partition is full, the partition still needs a node.
            guard let choice = ranked.first(where: { loads[$0] < bound }) ?? ranked.first else { return nil }
            loads[choice] += 1
            return candidates[choice].name
        }
    }
}

/// The scores of nodes for partitions. They never change, so each is computed once.
package struct PlacementScores: Sendable {
    /// The number of partitions.
    package let partitions: Int
    private var columns: [String: [UInt64]] = [:]

    /// - Parameter partitions: The number of partitions.
    package init(partitions: Int) { self.partitions = partitions }

    /// Returns a node's score for each partition: the first 8 bytes of SHA-256 of `node/partition`. FNV-1a would rank
    /// nodes with similar names alike for many partitions.
    mutating func scores(of node: String) -> [UInt64] {
        if let column = columns[node] { return column }
        let column = (0..<partitions).map { partition in
            var hash = SHA256()
            hash.update(Array("\(node)/\(partition)".utf8))
            return hash.digest().prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        columns[node] = column
        return column
    }
}

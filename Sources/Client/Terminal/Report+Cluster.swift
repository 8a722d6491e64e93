package import Wire

extension Report {
    /// Returns a report on a cluster: its nodes, then its partitions that somebody does not serve.
    ///
    /// - Parameter status: A node's answer.
    /// - Returns: Lines.
    package static func lines(_ status: ClusterStatus) -> [String] {
        let width = status.nodes.map(\.name.count).max() ?? 0
        let nodes = status.nodes.map { node in
            let name = node.name.padding(to: width)
            return "\(name)  \(node.presence)  \(Quantity.count(node.partitions, of: "partition"))"
                + (node.control.map { "  \($0)" } ?? "")
        }
        let unserved = status.partitions.filter { $0.state != "serving" }.map { partition in
            "partition \(partition.partition): "
                + (partition.owner.map { "\($0), \(partition.state ?? "")" } ?? "no owner")
        }
        let served = status.partitions.count - unserved.count
        let lag = status.partitions.compactMap(\.lag).max()
        let summary =
            "\(served) of \(Quantity.count(status.partitions.count, of: "partition")) served"
            + (lag.map { "; on \(status.node), the longest lag is \(Quantity.count($0, of: "message"))" } ?? "")
        return nodes + [summary] + unserved
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

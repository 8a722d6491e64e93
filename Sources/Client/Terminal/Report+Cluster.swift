package import Wire

extension Report {
    /// The number of take-overs in a report.
    private static let takeOverCount = 5

    /// Returns a report on a cluster: its nodes, its partitions, and the last take-overs by the answering node.
    ///
    /// - Parameters:
    ///   - status: A node's answer.
    ///   - listsAll: Whether to list all partitions, and not only those that nobody serves.
    /// - Returns: Lines.
    package static func lines(_ status: ClusterStatus, listsAll: Bool = false) -> [String] {
        let unserved = status.partitions.filter { $0.state != "serving" }
        let lag = status.partitions.compactMap(\.lag).max()
        let summary =
            "\(status.partitions.count - unserved.count) of \(Quantity.count(status.partitions.count, of: "partition")) served"
            + (lag.map { "; the longest lag is \(Quantity.count($0, of: "message"))" } ?? "")
        let listed = listsAll ? status.partitions : unserved
        return nodes(status) + [summary] + listed.map(line) + takeOvers(status)
    }

    private static func nodes(_ status: ClusterStatus) -> [String] {
        let width = status.nodes.map(\.name.count).max() ?? 0
        return status.nodes.map { node in
            let name = node.name.padding(to: width)
            return "\(name)  \(node.presence)  \(Quantity.count(node.partitions, of: "partition"))"
                + (node.control.map { "  \($0)" } ?? "")
        }
    }

    private static func line(_ partition: ClusterStatus.Partition) -> String {
        guard let owner = partition.owner else { return "partition \(partition.partition): no owner" }
        let lag = partition.lag.map { ", \(Quantity.count($0, of: "message")) behind" }
        return "partition \(partition.partition): \(owner), \(partition.state ?? "")\(lag ?? "")"
    }

    private static func takeOvers(_ status: ClusterStatus) -> [String] {
        status.takeOvers.prefix(takeOverCount).map { entry in
            let parts = [("claim", entry.claim), ("restore", entry.restore), ("replay", entry.replay)]
            let times = parts.compactMap { name, seconds in seconds.map { "\(name) \(Quantity.duration($0))" } }
            return "\(Quantity.localTime(nanoseconds: Int64(entry.time * 1e9)))  \(status.node) took over partition "
                + "\(entry.partition): \(entry.reason)" + (times.isEmpty ? "" : " (\(times.joined(separator: ", ")))")
        }
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

import Cluster
import Foundation
import TestSupport
import Testing

extension SimulatedCluster {
    /// Creates a cluster of nodes that have started together and hold all partitions.
    static func settled(seed: UInt64, nodes: [String], _ options: Options = Options()) -> SimulatedCluster {
        var cluster = SimulatedCluster(seed: seed, options)
        for node in nodes { cluster.at(cluster.delay(ms(600)), .start(node)) }
        cluster.run(until: ms(4000))
        cluster.forget()
        return cluster
    }

    /// Forgets what has happened.
    mutating func forget() {
        record = SimulationRecord(silentSince: record.silentSince)
    }

    /// The names of the running nodes.
    var running: [String] { processes.filter(\.isAlive).map(\.name) }

    /// The nodes whose partitions are owned, in the order of the partitions.
    var owners: [String] {
        chains.indices.map { partition in
            chains[partition].owner.flatMap { serves($0, partition) ? processes[$0].name : nil } ?? "-"
        }
    }

    /// Returns whatever is not as it must be once nothing has happened for some time; nil if all is well.
    func disorder() -> String? {
        let running = processes.indices.filter { processes[$0].isAlive }
        if let robbery = record.robberies.first { return robbery }
        if let contradiction = record.contradictions.first { return contradiction }
        guard let first = running.first else { return nil }
        let placement = processes[first].membership.placement
        for index in running where processes[index].membership.placement != placement {
            return "\(processes[index].name) and \(processes[first].name) place partitions differently"
        }
        for partition in chains.indices {
            let holders = running.filter { processes[$0].work[partition] != nil }
            guard let target = placement.nodes[partition] else {
                if holders.isEmpty { continue }
                return "\(partition) is held, although placement names nobody"
            }
            guard holders.map({ processes[$0].name }) == [target] else {
                return "\(partition) is held by \(holders.map { processes[$0].name }), placement names \(target)"
            }
            guard serves(holders[0], partition) else { return "\(partition) is not served by \(owners[partition])" }
            guard store[processes[holders[0]].name]?.heartbeat.partitions[partition] == .serving else {
                return "the heartbeat of \(processes[holders[0]].name) does not list \(partition)"
            }
        }
        return nil
    }

    /// Returns the reason why partitions moved; nil if none did.
    func movement() -> String? {
        record.claims.first.map { "\($0.partition) went to \($0.node) at \($0.time / ms(1)) ms" }
    }

    /// The longest time for which a partition was silent.
    var longestSilence: Int64 {
        (record.silences.map(\.length) + record.silentSince.compactMap { $0.map { now - $0 } }).max() ?? 0
    }

    /// Whether a node has reported an event.
    func hasReported(_ isWanted: (MembershipEvent) -> Bool) -> Bool { record.events.contains { isWanted($0.event) } }

    /// The number of times that each partition has got another owner.
    var moves: [Int] {
        record.claims.reduce(into: [Int](repeating: 0, count: chains.count)) { $0[$1.partition] += 1 }
    }
}

/// The factor by which environment variable `SLUICE_MEMBERSHIP_SEEDS` multiplies the number of seeds.
private let factor = ProcessInfo.processInfo.environment["SLUICE_MEMBERSHIP_SEEDS"].flatMap { UInt64($0) } ?? 1

/// Runs a check with many seeds and reports the first that fails. The check returns what is wrong, or nil.
func forSeeds(_ count: UInt64, _ check: (UInt64) -> String?) {
    for seed in 0..<count * factor {
        if let problem = check(seed) {
            Issue.record("seed \(seed): \(problem)")
            return
        }
    }
}

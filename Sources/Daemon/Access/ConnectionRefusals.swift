import Synchronization

/// The number of refused connections for each role. The thread of ``AccessWatch`` counts them, and any thread may read
/// the counts.
final class ConnectionRefusals: Sendable {
    private let counts = Mutex<[EndpointRole: UInt64]>([:])
    private let exhaustionCount = Atomic<UInt64>(0)

    /// Counts a refused connection.
    func count(_ role: EndpointRole) {
        counts.withLock { $0[role, default: 0] += 1 }
    }

    /// Adds 1 to ``exhaustions``.
    func countExhaustion() { exhaustionCount.add(1, ordering: .relaxed) }

    /// The number of times that the process reached its limit on open files.
    var exhaustions: UInt64 { exhaustionCount.load(ordering: .relaxed) }

    /// The refusals by role, in the form that `status` reports. Every role has an entry.
    var byEndpoint: [String: UInt64] {
        let counts = counts.withLock(\.self)
        return Dictionary(uniqueKeysWithValues: EndpointRole.allCases.map { ($0.rawValue, counts[$0, default: 0]) })
    }
}

import Synchronization

/// Connections that were not let in, counted by what the endpoint is for. Counted on the thread of ``AccessWatch``, read on
/// any.
final class ConnectionRefusals: Sendable {
    private let counts = Mutex<[EndpointRole: UInt64]>([:])
    private let exhaustionCount = Atomic<UInt64>(0)

    /// Counts one.
    func count(_ role: EndpointRole) {
        counts.withLock { $0[role, default: 0] += 1 }
    }

    /// Counts that the process could open no more files.
    func countExhaustion() { exhaustionCount.add(1, ordering: .relaxed) }

    /// How often the process could open no more files.
    var exhaustions: UInt64 { exhaustionCount.load(ordering: .relaxed) }

    /// As `status` shows them: every role is there.
    var byEndpoint: [String: UInt64] {
        let counts = counts.withLock(\.self)
        return Dictionary(uniqueKeysWithValues: EndpointRole.allCases.map { ($0.rawValue, counts[$0, default: 0]) })
    }
}

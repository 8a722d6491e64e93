import NIOCore
import Synchronization

/// The open connections of the HTTP server, limited in number.
///
/// If a new connection exceeds the maximum, the server closes the connection that has waited longest. New clients are
/// therefore always answered.
final class HTTPConnections: Sendable {
    /// The maximum number of open connections.
    static let maximumCount = 64

    private struct Entry {
        let channel: any Channel
        var waitingSince: NIODeadline
    }

    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// Adds a new connection. If this exceeds the maximum, the connection that has waited longest is closed.
    func add(_ channel: any Channel) {
        let oldest: (any Channel)? = entries.withLock { entries in
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, waitingSince: .now())
            guard entries.count > Self.maximumCount,
                let oldest = entries.min(by: { $0.value.waitingSince < $1.value.waitingSince })
            else { return nil }
            return entries.removeValue(forKey: oldest.key)?.channel
        }
        oldest?.close(promise: nil)
    }

    /// Restarts the waiting time of a connection, because it has entered a new phase.
    func touch(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.waitingSince = .now() }
    }

    /// Forgets a closed connection.
    func remove(_ channel: any Channel) {
        entries.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}

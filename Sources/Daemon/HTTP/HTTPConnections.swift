import NIOCore
import Synchronization

/// The connections of the HTTP server: at most so many at a time. When one more comes, the one that has waited longest is
/// closed, so that new clients are answered.
final class HTTPConnections: Sendable {
    /// The most connections at a time.
    static let maximumCount = 64

    private struct Entry {
        let channel: any Channel
        var waitingSince: NIODeadline
    }

    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// Takes a new connection in.
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

    /// Notes that a connection begins to wait for something else than before.
    func touch(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.waitingSince = .now() }
    }

    /// Forgets a connection that is closed.
    func remove(_ channel: any Channel) {
        entries.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}

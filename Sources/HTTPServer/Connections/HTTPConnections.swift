import NIOCore
import Synchronization

/// The open connections of the HTTP server, limited in number.
///
/// If a new connection exceeds the maximum, the server closes the connection that has waited longest. New clients are
/// therefore always answered. Connections that carry a stream of events have a limit of their own, because they wait for
/// as long as their page is open.
final class HTTPConnections: Sendable {
    /// The maximum number of open connections without a stream of events.
    static let maximumCount = 64
    /// The maximum number of streams of events.
    static let maximumStreams = 64

    private struct Entry {
        let channel: any Channel
        var waitingSince: NIODeadline
    }

    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])
    private let streams = Mutex<Set<ObjectIdentifier>>([])

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

    /// Makes a connection carry a stream of events.
    ///
    /// - Returns: False if there are as many streams as allowed.
    func beginStream(_ channel: any Channel) -> Bool {
        let hasRoom = streams.withLock { streams in
            guard streams.count < Self.maximumStreams else { return false }
            streams.insert(ObjectIdentifier(channel))
            return true
        }
        if hasRoom { entries.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) } }
        return hasRoom
    }

    /// Forgets a closed connection.
    func remove(_ channel: any Channel) {
        entries.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
        streams.withLock { _ = $0.remove(ObjectIdentifier(channel)) }
    }
}

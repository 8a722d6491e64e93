/// The answer to `snapshot`, and one entry of `snapshots`.
public struct SnapshotStatus: Codable, Equatable, Sendable {
    /// The snapshot's name.
    public var name: String
    /// The number of streams in the snapshot.
    public var streams: Int
    /// The size of the state, in bytes.
    public var bytes: Int
    /// The time of the snapshot in nanoseconds since the Unix epoch.
    public var time: Int64
    /// The fingerprints of the models that the state belongs to. The suffix `:sequence` or `:window:LENGTH` marks state
    /// that consists of timesteps.
    public var models: [String]

    /// Creates an entry. Each parameter sets the property of the same name.
    public init(name: String, streams: Int, bytes: Int, time: Int64, models: [String]) {
        self.name = name
        self.streams = streams
        self.bytes = bytes
        self.time = time
        self.models = models
    }
}

/// The answer to `snapshots`.
public struct SnapshotList: Codable, Equatable, Sendable {
    /// The snapshots, oldest first.
    public var snapshots: [SnapshotStatus]

    /// Creates a list.
    ///
    /// - Parameter snapshots: The snapshots, oldest first.
    public init(snapshots: [SnapshotStatus]) {
        self.snapshots = snapshots
    }
}

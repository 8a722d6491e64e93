/// What `snapshot` answers, and one entry of `snapshots`.
public struct SnapshotStatus: Codable, Equatable, Sendable {
    /// The snapshot's name.
    public var name: String
    /// Streams in it.
    public var streams: Int
    /// Bytes of state in it.
    public var bytes: Int
    /// Nanoseconds since the Unix epoch when it was taken.
    public var time: Int64
    /// The fingerprints of the models whose state it holds; `:sequence` or `:window:LENGTH` follows where that is timesteps.
    public var models: [String]

    /// Creates an entry; each parameter is the property of its name.
    public init(name: String, streams: Int, bytes: Int, time: Int64, models: [String]) {
        self.name = name
        self.streams = streams
        self.bytes = bytes
        self.time = time
        self.models = models
    }
}

/// What `snapshots` answers.
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

/// The answer to `reset`.
public struct ResetResult: Codable, Equatable, Sendable {
    /// The number of streams that were reset.
    public var reset: Int

    /// Creates an answer.
    ///
    /// - Parameter reset: The number of streams that were reset.
    public init(reset: Int) { self.reset = reset }
}

/// The answer to `remove`.
public struct RemoveResult: Codable, Equatable, Sendable {
    /// The number of removed streams.
    public var removed: Int

    /// Creates an answer.
    ///
    /// - Parameter removed: The number of removed streams.
    public init(removed: Int) { self.removed = removed }
}

/// The answer to `pause`.
public struct PauseResult: Codable, Equatable, Sendable {
    /// The number of paused streams.
    public var paused: Int

    /// Creates an answer.
    ///
    /// - Parameter paused: The number of paused streams.
    public init(paused: Int) { self.paused = paused }
}

/// The answer to `resume`.
public struct ResumeResult: Codable, Equatable, Sendable {
    /// The number of resumed streams.
    public var resumed: Int

    /// Creates an answer.
    ///
    /// - Parameter resumed: The number of resumed streams.
    public init(resumed: Int) { self.resumed = resumed }
}

/// The answer to `restore`.
public struct RestoreResult: Codable, Equatable, Sendable {
    /// The number of restored streams.
    public var restored: Int

    /// Creates an answer.
    ///
    /// - Parameter restored: The number of restored streams.
    public init(restored: Int) { self.restored = restored }
}

/// The answer to `delete_snapshot`.
public struct DeleteSnapshotResult: Codable, Equatable, Sendable {
    /// Always true.
    public var deleted: Bool

    /// Creates an answer.
    ///
    /// - Parameter deleted: Always true.
    public init(deleted: Bool) { self.deleted = deleted }
}

/// The answer to `write_snapshot`.
public struct WriteSnapshotResult: Codable, Equatable, Sendable {
    /// The number of streams that were added.
    public var streams: Int

    /// Creates an answer.
    ///
    /// - Parameter streams: The number of streams that were added.
    public init(streams: Int) { self.streams = streams }
}

/// The answer to `import`.
public struct ImportResult: Codable, Equatable, Sendable {
    /// The new stream's id.
    public var stream: String

    /// Creates an answer.
    ///
    /// - Parameter stream: The new stream's id.
    public init(stream: String) { self.stream = stream }
}

/// The answer to `log_level`.
public struct LogLevelResult: Codable, Equatable, Sendable {
    /// The log level before the request.
    public var level: LogLevel

    /// Creates an answer.
    ///
    /// - Parameter level: The log level before the request.
    public init(level: LogLevel) { self.level = level }
}

/// The answer to `drain`.
public struct DrainResult: Codable, Equatable, Sendable {
    /// The node.
    public var node: String
    /// Whether the node has left the cluster. False if the node was asked itself: it only begins to leave.
    public var left: Bool

    /// Creates an answer. Each parameter sets the property of the same name.
    public init(node: String, left: Bool) {
        self.node = node
        self.left = left
    }
}

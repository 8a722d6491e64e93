/// A control command together with the type of its answer.
public struct ControlCall<Answer: Codable & Sendable>: Sendable {
    /// The command to send.
    public let command: ControlCommand

    private init(_ command: ControlCommand) { self.command = command }
}

extension ControlCall<DaemonStatus> {
    /// See ``ControlCommand/status``.
    public static var status: Self { Self(.status) }
}

extension ControlCall<StreamPage<StreamStatus>> {
    /// See ``ControlCommand/streams(prefix:after:limit:)``.
    public static func streams(prefix: String?, after: String?, limit: Int) -> Self {
        Self(.streams(prefix: prefix, after: after, limit: limit))
    }
    /// See ``ControlCommand/namedStreams(_:)``.
    public static func namedStreams(_ ids: [String]) -> Self { Self(.namedStreams(ids)) }
}

extension ControlCall<StreamStatus> {
    /// See ``ControlCommand/stream(_:)``.
    public static func stream(_ id: String) -> Self { Self(.stream(id)) }
}

extension ControlCall<HistoryAnswer> {
    /// See ``ControlCommand/history(_:)``.
    public static func history(_ request: HistoryRequest) -> Self { Self(.history(request)) }
}

extension ControlCall<ResetResult> {
    /// See ``ControlCommand/reset(_:)``.
    public static func reset(_ selection: ControlCommand.Selection) -> Self { Self(.reset(selection)) }
}

extension ControlCall<RemoveResult> {
    /// See ``ControlCommand/remove(_:)``.
    public static func remove(_ selection: ControlCommand.Selection) -> Self { Self(.remove(selection)) }
}

extension ControlCall<PauseResult> {
    /// See ``ControlCommand/pause(_:)``.
    public static func pause(_ selection: ControlCommand.Selection) -> Self { Self(.pause(selection)) }
}

extension ControlCall<ResumeResult> {
    /// See ``ControlCommand/resume(_:)``.
    public static func resume(_ selection: ControlCommand.Selection) -> Self { Self(.resume(selection)) }
}

extension ControlCall<SnapshotStatus> {
    /// See ``ControlCommand/snapshot(name:_:)``.
    public static func snapshot(name: String, _ selection: ControlCommand.Selection) -> Self {
        Self(.snapshot(name: name, selection))
    }
}

extension ControlCall<SnapshotList> {
    /// See ``ControlCommand/snapshots``.
    public static var snapshots: Self { Self(.snapshots) }
}

extension ControlCall<RestoreResult> {
    /// See ``ControlCommand/restore(name:_:)``.
    public static func restore(name: String, _ selection: ControlCommand.Selection) -> Self {
        Self(.restore(name: name, selection))
    }
}

extension ControlCall<DeleteSnapshotResult> {
    /// See ``ControlCommand/deleteSnapshot(name:)``.
    public static func deleteSnapshot(name: String) -> Self { Self(.deleteSnapshot(name: name)) }
}

extension ControlCall<StreamPage<StreamExport>> {
    /// See ``ControlCommand/readSnapshot(name:after:limit:)``.
    public static func readSnapshot(name: String, after: String?, limit: Int) -> Self {
        Self(.readSnapshot(name: name, after: after, limit: limit))
    }
}

extension ControlCall<WriteSnapshotResult> {
    /// See ``ControlCommand/writeSnapshot(name:_:)``.
    public static func writeSnapshot(name: String, _ streams: [StreamExport]) -> Self {
        Self(.writeSnapshot(name: name, streams))
    }
}

extension ControlCall<StreamExport> {
    /// See ``ControlCommand/export(_:)``.
    public static func export(_ id: String) -> Self { Self(.export(id)) }
}

extension ControlCall<ImportResult> {
    /// See ``ControlCommand/import(_:as:)``.
    public static func `import`(_ stream: StreamExport, as id: String?) -> Self { Self(.import(stream, as: id)) }
}

extension ControlCall<ReloadResult> {
    /// See ``ControlCommand/reload(model:reset:)``.
    public static func reload(model: String, reset: Bool) -> Self { Self(.reload(model: model, reset: reset)) }
}

extension ControlCall<CheckpointResult> {
    /// See ``ControlCommand/checkpoint``.
    public static var checkpoint: Self { Self(.checkpoint) }
}

extension ControlCall<LogLevelResult> {
    /// See ``ControlCommand/logLevel(_:)``.
    public static func logLevel(_ level: LogLevel?) -> Self { Self(.logLevel(level)) }
}

extension ControlCall<ClusterStatus> {
    /// See ``ControlCommand/cluster``.
    public static var cluster: Self { Self(.cluster) }
}

extension ControlCall<DrainResult> {
    /// See ``ControlCommand/drain(node:)``.
    public static func drain(node: String) -> Self { Self(.drain(node: node)) }
}

extension ControlCall<Bool> {
    /// See ``ControlCommand/shutdown``.
    public static var shutdown: Self { Self(.shutdown) }
}

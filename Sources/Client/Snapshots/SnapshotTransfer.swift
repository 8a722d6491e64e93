public import Wire

/// Carries a snapshot between a daemon and a file, page by page.
public struct SnapshotTransfer {
    private let control: ControlClient

    /// Carries nothing yet.
    ///
    /// - Parameter control: The daemon.
    public init(control: ControlClient) {
        self.control = control
    }

    /// Takes a snapshot and writes it to a file, which is there only when it is whole.
    ///
    /// - Parameters:
    ///   - name: The name under which the daemon keeps it too; nil: the daemon forgets it.
    ///   - selection: Which streams.
    ///   - path: The file; one that is there is replaced.
    ///   - mode: The file's permissions, whatever the umask.
    /// - Returns: The daemon's answer.
    /// - Throws: ``ClientError`` where the daemon refuses, or the file cannot be written.
    public func save(
        _ name: String?, _ selection: ControlCommand.Selection, to path: String, mode: UInt16
    ) throws(ClientError) -> SnapshotStatus {
        let file = try SnapshotFile(writingTo: path)
        let taken = name ?? Self.temporaryName()
        let status = try control.call(.snapshot(name: taken, selection), as: SnapshotStatus.self)
        do throws(ClientError) {
            var after: String?
            repeat {
                let page = try control.call(
                    .readSnapshot(name: taken, after: after, limit: ControlCommand.defaultLimit),
                    as: StreamPage<StreamExport>.self)
                try file.append(page.streams)
                after = page.next
            } while after != nil
            try file.finish(mode: mode)
        } catch {
            if name == nil { try? delete(taken) }
            throw error
        }
        if name == nil { try delete(taken) }
        return status
    }

    /// Puts streams back to what a file has, all or none.
    ///
    /// - Parameters:
    ///   - selection: Which of the file's streams.
    ///   - path: The file.
    /// - Returns: How many.
    /// - Throws: ``ClientError`` where the file is no snapshot, or the daemon refuses: nothing has changed then.
    public func restore(_ selection: ControlCommand.Selection, from path: String) throws(ClientError) -> Int {
        let file = try SnapshotFile(readingFrom: path)
        let name = Self.temporaryName()
        // The snapshot is there even where the file has no streams.
        _ = try control.call(.writeSnapshot(name: name, []), as: [String: Int].self)
        let restored: Int
        do throws(ClientError) {
            try file.forEachPage { page throws(ClientError) in
                _ = try control.call(.writeSnapshot(name: name, page), as: [String: Int].self)
            }
            restored = try control.call(.restore(name: name, selection), as: [String: Int].self)["restored"] ?? 0
        } catch {
            try? delete(name)
            throw error
        }
        try delete(name)
        return restored
    }

    private func delete(_ name: String) throws(ClientError) {
        _ = try control.call(.deleteSnapshot(name: name), as: [String: Bool].self)
    }

    private static func temporaryName() -> String { "transfer-\(UInt64.random(in: 0 ... .max))" }
}

package import Wire

/// Transfers a snapshot between a daemon and a file, page by page.
package struct SnapshotTransfer {
    private let control: ControlClient

    /// Creates a transfer.
    ///
    /// - Parameter control: The daemon.
    package init(control: ControlClient) {
        self.control = control
    }

    /// Takes a snapshot and writes it to a file, which appears only when it is complete.
    ///
    /// - Parameters:
    ///   - name: The name under which the daemon also keeps the snapshot; nil to keep it only in the file.
    ///   - selection: The streams.
    ///   - path: The file. An existing file is replaced.
    ///   - mode: The file's permissions, regardless of the umask.
    /// - Returns: The daemon's answer.
    /// - Throws: ``ClientError`` if the daemon refuses, or if the file cannot be written.
    package func save(
        _ name: String?, _ selection: ControlCommand.Selection, to path: String, mode: UInt16
    ) throws(ClientError) -> SnapshotStatus {
        let file = try SnapshotFile(writingTo: path)
        let taken = name ?? Self.temporaryName()
        let status = try control.call(.snapshot(name: taken, selection))
        do throws(ClientError) {
            var after: String?
            repeat {
                let page = try control.call(
                    .readSnapshot(name: taken, after: after, limit: ControlCommand.defaultLimit))
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

    /// Restores the selected streams from a file, either all of them or none.
    ///
    /// - Parameters:
    ///   - selection: The streams of the file to restore.
    ///   - path: The file.
    /// - Returns: The daemon's answer.
    /// - Throws: ``ClientError`` if the file is not a snapshot, or if the daemon refuses. In both cases, all streams
    ///   stay unchanged.
    package func restore(
        _ selection: ControlCommand.Selection, from path: String
    ) throws(ClientError) -> RestoreResult {
        let file = try SnapshotFile(readingFrom: path)
        let name = Self.temporaryName()
        // The snapshot must exist even if the file has no streams.
        _ = try control.call(.writeSnapshot(name: name, []))
        let result: RestoreResult
        do throws(ClientError) {
            try file.forEachPage { page throws(ClientError) in
                _ = try control.call(.writeSnapshot(name: name, page))
            }
            result = try control.call(.restore(name: name, selection))
        } catch {
            try? delete(name)
            throw error
        }
        try delete(name)
        return result
    }

    private func delete(_ name: String) throws(ClientError) {
        _ = try control.call(.deleteSnapshot(name: name))
    }

    private static func temporaryName() -> String { "transfer-\(UInt64.random(in: 0 ... .max))" }
}

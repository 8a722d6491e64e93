import Glibc
import Synchronization

/// Notices that the state folder, or one of the files that are open in it, was deleted, replaced or unmounted.
///
/// SQLite would go on writing to files that nobody finds again. What is compared is the device and the inode at each path with
/// those that were there first. Safe to use from any thread.
public final class StateFolderWatch: Sendable {
    private struct Identity: Equatable {
        let device: UInt
        let inode: UInt
    }

    /// Files that stay the same for as long as the daemon runs, once they are there. SQLite keeps a log that it has made, as the
    /// databases are locked for the whole run.
    private static let files = [
        StateStore.fileName, StateStore.fileName + "-wal", Journal.fileName, Journal.fileName + "-wal",
        SealFile.fileName,
    ]

    private let folder: String
    /// What was found first at each path.
    private let known: Mutex<[String: Identity]>

    /// Notes what is in place. The databases are open.
    ///
    /// - Parameter folder: The state folder.
    public init(folder: String) {
        self.folder = folder
        known = Mutex([:])
        try? check()
    }

    /// Compares what is in place with what was there first.
    ///
    /// - Throws: ``StoreError`` with the code `folderLost`.
    public func check() throws(StoreError) {
        let problem = known.withLock { known -> String? in
            for path in [folder] + Self.files.map({ "\(folder)/\($0)" }) {
                let identity = Self.identity(of: path)
                guard let first = known[path] else {
                    known[path] = identity
                    continue
                }
                if identity == nil { return "\(path) is gone" }
                if identity != first { return "\(path) is another than at the start" }
            }
            return nil
        }
        guard let problem else { return }
        throw StoreError(
            .folderLost,
            "\(problem): the state folder was deleted, replaced or unmounted, and nothing is durable; put it back as it was, "
                + "or save what is in memory by 'sluice export' before sluiced is stopped")
    }

    private static func identity(of path: String) -> Identity? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }
}

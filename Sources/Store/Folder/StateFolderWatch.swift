import Glibc
import Synchronization

/// Detects whether the state folder, or an open file in it, has been deleted, replaced or unmounted.
///
/// In these cases, SQLite would keep writing to files that no one else can open any more. Therefore, the watch compares
/// the device and inode at each path with those that it first saw there. A watch can be used from any thread.
public final class StateFolderWatch: Sendable {
    private struct Inode: Equatable {
        let device: UInt
        let number: UInt
    }

    /// The current contents at the path of a lost folder.
    enum Occupant: Equatable {
        /// A folder without state.
        case nothing
        /// The remaining files of the lost state, or a copy of these files.
        case sameState
        /// The path does not exist.
        case gone
        /// Something that must not be touched, with the reason.
        case other(String)
    }

    let folder: String
    /// The inode that was first seen at each path.
    private let known: Mutex<[String: Inode]>

    /// Records the current inodes. Call this once the databases are open.
    ///
    /// - Parameter folder: The state folder.
    public init(folder: String) {
        self.folder = folder
        known = Mutex([:])
        renew()
    }

    /// Replaces the recorded inodes with the current ones. Call this once the databases are open.
    func renew() {
        known.withLock { $0 = [:] }
        try? check()
    }

    /// Compares the current inode at each path with the recorded one. If a path has no recorded inode yet, records the
    /// current one.
    ///
    /// - Throws: ``StoreError`` with the code `folderLost`.
    public func check() throws(StoreError) {
        let problem = known.withLock { known -> String? in
            // SQLite's log files stay in place until the process ends, because the databases stay locked. A missing log
            // file therefore means that the folder is lost.
            for path in [folder] + StateExamination.files.map({ "\(folder)/\($0)" }) {
                let inode = Self.inode(of: path)
                guard let first = known[path] else {
                    known[path] = inode
                    continue
                }
                if inode == nil { return "\(path) is gone" }
                if inode != first { return "\(path) was replaced" }
            }
            return nil
        }
        guard let problem else { return }
        throw Self.lost(problem)
    }

    /// Examines what is now at the folder's path.
    ///
    /// - Parameter identity: The identity of the lost state.
    /// - Returns: The finding.
    func occupant(_ identity: StateIdentity) -> Occupant {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return .gone }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .other("\(folder) is not a folder") }
        let paths = StateExamination.files.map { "\(folder)/\($0)" }.filter { (StateFolder.size(of: $0) ?? 0) > 0 }
        guard !paths.isEmpty else { return .nothing }
        let areKnown = known.withLock { known in paths.allSatisfy { known[$0] == Self.inode(of: $0) } }
        if areKnown { return .sameState }
        do throws(StoreError) {
            guard let seal = try SealFile(folder: folder).read()?.seal else {
                return .other("\(paths[0]) is there without \(SealFile.fileName), which would show whose it is")
            }
            return seal.identity == identity
                ? .sameState
                : .other("\(folder) is of another state (identity \(seal.identity)) than the daemon's (\(identity))")
        } catch {
            return .other(error.problem)
        }
    }

    /// Returns the error for a lost folder.
    ///
    /// - Parameters:
    ///   - problem: The problem that was observed.
    ///   - remedy: The remedy, or the reason why the path cannot be used yet.
    /// - Returns: The error.
    static func lost(
        _ problem: String,
        _ remedy: String = "put the folder back, or an empty one in its place, and everything is written anew"
    ) -> StoreError {
        StoreError(
            .folderLost,
            "\(problem): the state folder was deleted, replaced or unmounted, and nothing is durable; \(remedy)")
    }

    private static func inode(of path: String) -> Inode? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Inode(device: UInt(status.st_dev), number: UInt(status.st_ino))
    }
}

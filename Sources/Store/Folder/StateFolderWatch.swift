import Glibc
import Synchronization

/// Detects that the state folder, or an open file in it, was deleted, replaced or unmounted.
///
/// SQLite would continue to write to files that nobody can reach. The watch therefore compares the device and inode at
/// each path with those that it saw there first. Safe to use from any thread.
public final class StateFolderWatch: Sendable {
    private struct Inode: Equatable {
        let device: UInt
        let number: UInt
    }

    /// The current contents at the path of a lost folder.
    enum Occupant: Equatable {
        /// A folder without state.
        case nothing
        /// The rest of the lost state, or a copy of it.
        case sameState
        /// Nothing: the path does not exist.
        case gone
        /// Files that must not be touched, with the reason.
        case other(String)
    }

    let folder: String
    /// The first inode seen at each path.
    private let known: Mutex<[String: Inode]>

    /// Records the inodes that are in place. Call this once the databases are open.
    ///
    /// - Parameter folder: The state folder.
    public init(folder: String) {
        self.folder = folder
        known = Mutex([:])
        renew()
    }

    /// Forgets the recorded inodes and records those that are in place now. Call this once the databases are open.
    func renew() {
        known.withLock { $0 = [:] }
        try? check()
    }

    /// Compares the current inode at each path with the recorded one.
    ///
    /// - Throws: ``StoreError`` with the code `folderLost`.
    public func check() throws(StoreError) {
        let problem = known.withLock { known -> String? in
            // A log file stays in place until the process ends, because the databases stay locked.
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

    /// Examines the contents at the folder's path.
    ///
    /// - Parameter identity: The identity of the lost state.
    /// - Returns: The contents.
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

    /// The error for a lost folder.
    ///
    /// - Parameters:
    ///   - problem: The observed problem.
    ///   - remedy: The remedy, or the reason why the path cannot be used.
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

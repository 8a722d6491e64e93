import Glibc
import Synchronization

/// Notices that the state folder, or one of the files that are open in it, was deleted, replaced or unmounted.
///
/// SQLite would go on writing to files that nobody finds again. The watch compares the device and the inode at each path with
/// those that were there first. Safe to use from any thread.
public final class StateFolderWatch: Sendable {
    private struct Inode: Equatable {
        let device: UInt
        let number: UInt
    }

    /// What is in the place of a folder that was lost.
    enum Occupant: Equatable {
        /// A folder without state.
        case nothing
        /// The rest of the state itself, or a copy of it.
        case sameState
        /// Not even a folder.
        case gone
        /// Something that must not be touched, and why.
        case other(String)
    }

    let folder: String
    /// What was found first at each path.
    private let known: Mutex<[String: Inode]>

    /// Notes what is in place. The databases are open.
    ///
    /// - Parameter folder: The state folder.
    public init(folder: String) {
        self.folder = folder
        known = Mutex([:])
        renew()
    }

    /// Notes what is in place now. The databases there are open.
    func renew() {
        known.withLock { $0 = [:] }
        try? check()
    }

    /// Compares what is in place with what was there first.
    ///
    /// - Throws: ``StoreError`` with the code `folderLost`.
    public func check() throws(StoreError) {
        let problem = known.withLock { known -> String? in
            // SQLite keeps a log that it has made, as the databases are locked for the whole run.
            for path in [folder] + StateExamination.files.map({ "\(folder)/\($0)" }) {
                let inode = Self.inode(of: path)
                guard let first = known[path] else {
                    known[path] = inode
                    continue
                }
                if inode == nil { return "\(path) is gone" }
                if inode != first { return "\(path) is another than before" }
            }
            return nil
        }
        guard let problem else { return }
        throw Self.lost(problem)
    }

    /// Looks at what is in the folder's place.
    ///
    /// - Parameter identity: That of the state which is lost.
    /// - Returns: What is there.
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

    /// The error of a folder that is lost.
    ///
    /// - Parameters:
    ///   - problem: What was found.
    ///   - remedy: What to do, or why that is not enough.
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

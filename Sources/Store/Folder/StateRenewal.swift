import GRDB
import Glibc

/// Writes the state anew where its folder was deleted, replaced or unmounted while the daemon ran.
///
/// The old databases are open still, so that all that they have can be copied: streams that are not in memory, and snapshots.
/// Where they cannot be read, as when the disk is gone, the new folder begins with what is in memory.
public struct StateRenewal: Sendable {
    /// The store of the new folder.
    public let store: StateStore
    /// The new journal; nil where there was none.
    public let journal: Journal?
    /// Where the files of the same state are that were in the folder; nil where it was empty.
    public let replaced: String?
    /// Why what only the old database had is lost; nil where the new one has all of it.
    public let loss: StoreError?

    private let watch: StateFolderWatch

    /// Writes the state anew, if an empty folder or one of the same identity is in place.
    ///
    /// - Parameters:
    ///   - old: The store of the folder that was lost.
    ///   - oldJournal: Its journal, if it had one.
    ///   - sync: How the journal is kept.
    ///   - watch: What notices that the folder was lost.
    ///   - time: Seconds since the Unix epoch.
    /// - Throws: ``StoreError`` with the code `folderLost` where nothing may be written, or what failed. What was written is
    ///   gone then.
    public init(
        of old: StateStore, journal oldJournal: Journal?, sync: Journal.Sync, in watch: StateFolderWatch, time: Int64
    ) throws(StoreError) {
        self.watch = watch
        let folder = watch.folder
        let isEmpty: Bool
        switch watch.occupant(old.identity) {
        case .nothing: isEmpty = true
        case .sameState: isEmpty = false
        case .gone: throw StateFolderWatch.lost("\(folder) is gone")
        case .other(let problem):
            throw StateFolderWatch.lost(
                problem, "it is not touched; put the state folder back, or an empty folder in its place")
        }
        do throws(StoreError) {
            replaced = isEmpty ? nil : try Self.setAside(folder, time)
            (store, journal, loss) = try Self.write(old, into: folder, oldJournal != nil, sync)
        } catch {
            throw StateFolderWatch.lost("\(folder) is another than before", "it cannot be written anew yet: \(error)")
        }
    }

    private static func setAside(_ folder: String, _ time: Int64) throws(StoreError) -> String {
        var aside = try SetAsideFolder(in: folder, named: "replaced", time: time)
        try aside.take(StateExamination.files)
        return aside.path
    }

    private static func write(
        _ old: StateStore, into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync
    ) throws(StoreError) -> (StateStore, Journal?, loss: StoreError?) {
        do throws(StoreError) {
            let (store, journal) = try write(copyOf: old, into: folder, hasJournal, sync)
            return (store, journal, nil)
        } catch {
            // Where the new disk is full, the old one is not to blame.
            guard error.code != .diskFull else { throw error }
            let (store, journal) = try write(anew: old, into: folder, hasJournal, sync)
            return (store, journal, error)
        }
    }

    /// Has the new folder count as the right one from here on.
    public func accept() { watch.renew() }

    private static func write(
        copyOf old: StateStore, into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync
    ) throws(StoreError) -> (StateStore, Journal?) {
        try put(into: folder, hasJournal, sync) { database throws(StoreError) in
            try old.database.copy(to: database)
            // A database that is not sealed is one that is being made.
            try database.write("write to") { db in
                guard var header = try StoreHeader(db) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
                header.isSealed = false
                try header.update(in: db)
            }
        }
    }

    private static func write(
        anew old: StateStore, into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync
    ) throws(StoreError) -> (StateStore, Journal?) {
        try put(into: folder, hasJournal, sync) { database throws(StoreError) in
            try database.beginWriting(Schema.migrator)
            try database.write("write to") { db in
                var header = StoreHeader(identity: old.identity, position: 0)
                header.generation = old.generation
                try db.execute(sql: "DELETE FROM header")
                try header.insert(in: db)
            }
        }
    }

    /// Makes a database beside its place, puts it there whole, and opens it as a start does.
    ///
    /// - Throws: ``StoreError``. The folder has none of the files then.
    private static func put(
        into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync,
        _ fill: (OwnedDatabase) throws(StoreError) -> Void
    ) throws(StoreError) -> (StateStore, Journal?) {
        do throws(StoreError) {
            try makeDatabase("\(folder)/\(StateStore.fileName)", fill)
            let store = try StateStore(folder: folder)
            let journal = hasJournal ? try Journal(folder: folder, sync: sync, of: store) : nil
            try store.begin(journal, journalKind: sync == .full ? .full : .normal, isWhole: false)
            return (store, journal)
        } catch {
            for name in StateExamination.files { _ = unsafe unlink("\(folder)/\(name)") }
            throw error
        }
    }

    private static let partSuffix = ".part"

    /// Deletes a database that a crash left half made.
    ///
    /// - Parameter path: Where it was to be.
    static func removePart(of path: String) {
        for suffix in ["", "-wal", "-journal"] { _ = unsafe unlink(path + partSuffix + suffix) }
    }

    private static func makeDatabase(
        _ path: String, _ fill: (OwnedDatabase) throws(StoreError) -> Void
    ) throws(StoreError) {
        let part = path + partSuffix
        removePart(of: path)
        defer { removePart(of: path) }
        do {
            let database = try OwnedDatabase(path: part)
            try fill(database)
            // The whole is in one file when it is closed here.
            database.foldLogOnClose()
        } catch {
            throw StoreError(error, doing: "write to", place: part, otherwise: .failed)
        }
        guard StateFolder.size(of: part + "-wal") == nil, unsafe rename(part, path) == 0 else {
            throw StoreError(.failed, "cannot rename \(part): \(StateFolder.systemError)")
        }
        try StateFolder.sync(folderOf: path)
    }
}

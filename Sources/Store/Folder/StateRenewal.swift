import GRDB
import Glibc

/// Writes the state again after its folder was deleted, replaced or unmounted while the daemon was running.
///
/// The old databases are still open, so the snapshots, and the streams that are not in memory, can be copied from them.
/// If the old databases cannot be read, for example because the disk is gone, the new folder contains only the state in
/// memory.
public struct StateRenewal: Sendable {
    /// The store of the new folder.
    public let store: StateStore
    /// The new journal; nil if the old folder had no journal.
    public let journal: Journal?
    /// The folder to which older files of the same state were moved; nil if the state folder was empty.
    public let replaced: String?
    /// The reason why the old database could not be copied; nil if it was copied completely.
    public let loss: StoreError?

    private let watch: StateFolderWatch

    /// Writes the state again, provided that the folder now in place is empty or has the same identity.
    ///
    /// - Parameters:
    ///   - old: The store of the lost folder.
    ///   - oldJournal: The journal of the lost folder, if it had one.
    ///   - sync: The durability of the journal's commits.
    ///   - watch: The watch that detected the loss.
    ///   - time: Seconds since the Unix epoch.
    /// - Throws: ``StoreError`` with the code `folderLost` if the folder may not be used or cannot be written. In that
    ///   case, the folder contains none of the new files.
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
            throw StateFolderWatch.lost("\(folder) was replaced", "it cannot be written anew yet: \(error)")
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
            // A full disk is a problem with the new folder, not with the old database. Fail now, so that a later
            // attempt can still copy the old database.
            guard error.code != .diskFull else { throw error }
            let (store, journal) = try write(anew: old, into: folder, hasJournal, sync)
            return (store, journal, error)
        }
    }

    /// Makes the watch accept the files that are now in place.
    public func accept() { watch.renew() }

    private static func write(
        copyOf old: StateStore, into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync
    ) throws(StoreError) -> (StateStore, Journal?) {
        try put(into: folder, hasJournal, sync) { database throws(StoreError) in
            try old.database.copy(to: database)
            // The store treats an unsealed database as one that is still being created, and completes it on opening.
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

    /// Builds a database under a temporary name, renames it once it is complete, and opens it just as the daemon does
    /// when it starts.
    ///
    /// - Throws: ``StoreError``. In that case, the folder contains none of the new files.
    private static func put(
        into folder: String, _ hasJournal: Bool, _ sync: Journal.Sync,
        _ fill: (OwnedDatabase) throws(StoreError) -> Void
    ) throws(StoreError) -> (StateStore, Journal?) {
        try makeDatabase("\(folder)/\(StateStore.fileName)", fill)
        do throws(StoreError) {
            let store = try StateStore(folder: folder)
            let journal = hasJournal ? try Journal(folder: folder, sync: sync, of: store) : nil
            try store.begin(journal, journalKind: sync == .full ? .full : .normal, isWhole: false)
            return (store, journal)
        } catch {
            // If another daemon has opened the folder in the meantime, the files are no longer this daemon's to delete.
            guard error.code != .inUse else { throw error }
            for name in StateExamination.files { _ = unsafe unlink("\(folder)/\(name)") }
            throw error
        }
    }

    private static let partSuffix = ".part"

    /// Deletes an incomplete database that a crash left behind.
    ///
    /// - Parameter path: The intended path of the database.
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
            // Make SQLite move the write-ahead log into the database on closing, so that a single file holds
            // everything.
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

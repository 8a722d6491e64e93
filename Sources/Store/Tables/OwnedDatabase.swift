import CSQLite
import Foundation
import GRDB
import Synchronization

/// An SQLite database that this process alone has, from its opening to the end of the process.
///
/// Opening writes nothing, and neither does closing, so that a file that turns out to be damaged stays as it is. Only from
/// ``beginWriting()`` on is the file written.
///
/// Safe to use from any thread; uses run one after another.
final class OwnedDatabase: Sendable {
    /// Where it is, as errors name it.
    let place: String
    /// Nil in memory.
    private let path: String?
    private let queue: DatabaseQueue
    private let hadLog: Bool
    private let isWritten = Atomic(false)

    /// Opens a database, which is created where it is missing.
    ///
    /// - Parameters:
    ///   - path: The file; nil: in memory, gone with the process.
    ///   - pragmas: What else is set, for a file.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `damaged`.
    init(path: String?, pragmas: String = "") throws(StoreError) {
        place = path ?? "memory"
        self.path = path
        hadLog = path.map { StateFolder.size(of: $0 + "-wal") != nil } ?? true
        if let path {
            try Self.requirePermission(path)
            StateFolder.createFile(path)
        }
        var configuration = Configuration()
        // The streams of a snapshot are there before the snapshot is, and are deleted after it.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // SQLite would move the write-ahead log into the database and delete it when it is closed.
            _ = unsafe sluice_sqlite3_checkpoint_on_close(db.sqliteConnection, 0)
            // Held until the process ends, however it ends: a second daemon on the same folder is refused at once.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            if path != nil { try db.execute(sql: "PRAGMA synchronous = FULL; " + pragmas) }
        }
        do {
            queue =
                try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
                ?? DatabaseQueue(configuration: configuration)
        } catch {
            if let path, !hadLog { Self.removeEmptyLog(of: path) }
            throw StoreError(error, doing: "open", place: place, otherwise: .cannotOpen)
        }
    }

    deinit {
        try? queue.close()
        if let path, !hadLog, !isWritten.load(ordering: .relaxed) { Self.removeEmptyLog(of: path) }
    }

    /// SQLite makes an empty log where there was none, even for reading.
    private static func removeEmptyLog(of path: String) {
        if StateFolder.size(of: path + "-wal") == 0 { _ = unsafe unlink(path + "-wal") }
    }

    /// Refuses what a later version wrote.
    ///
    /// - Parameter migrator: The tables.
    /// - Returns: The versions that the database has.
    /// - Throws: ``StoreError`` with the code `laterVersion`.
    func versions(_ migrator: DatabaseMigrator) throws(StoreError) -> Set<String> {
        let (isLater, versions) = try use("open", otherwise: .cannotOpen) { queue in
            try queue.read { db in (try migrator.hasBeenSuperseded(db), try migrator.appliedIdentifiers(db)) }
        }
        guard !isLater else {
            throw StoreError(
                .laterVersion,
                "\(place) was written by a later version of Sluice; run that version, or name another folder")
        }
        return versions
    }

    /// Has the file written from here on, and brings it up to the present version.
    ///
    /// - Parameter migrator: The tables.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `laterVersion`.
    func beginWriting(_ migrator: DatabaseMigrator) throws(StoreError) {
        isWritten.store(true, ordering: .relaxed)
        if let path {
            for file in [path, path + "-wal"] { StateFolder.makePrivate(file) }
        }
        try use("open", otherwise: .cannotOpen) { queue in
            if path != nil { try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") } }
            try migrator.migrate(queue)
        }
    }

    /// Has the write-ahead log moved into the database when the database is closed.
    func foldLogOnClose() {
        queue.inDatabase { db in _ = unsafe sluice_sqlite3_checkpoint_on_close(db.sqliteConnection, 1) }
    }

    /// Copies the whole database into another, which is written over.
    ///
    /// - Parameter other: The copy.
    /// - Throws: ``StoreError`` where this one cannot be read, or the other cannot be written.
    func copy(to other: OwnedDatabase) throws(StoreError) {
        try use("copy") { source in
            try other.use("write to") { copy in try source.backup(to: copy) }
        }
    }

    /// Refuses a database whose pages do not fit together.
    ///
    /// - Throws: ``StoreError`` with the code `damaged`.
    func checkPages() throws(StoreError) {
        let problem = try read("read") { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer" }
        guard problem == "ok" else {
            let line = problem.split(separator: "\n").last.map(String.init) ?? problem
            throw .damage(place, "is damaged (\(line))")
        }
    }

    /// SQLite's own words for a file that may not be written are an input/output error.
    private static func requirePermission(_ path: String) throws(StoreError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        for file in [folder, path, path + "-wal"] {
            guard FileManager.default.fileExists(atPath: file), !FileManager.default.isWritableFile(atPath: file) else {
                continue
            }
            throw StoreError(
                .cannotOpen,
                "cannot write to \(file); let the user whom sluiced runs as do so, or name another state folder")
        }
    }

    /// Every use of the database goes through here or the two below, so that all that it throws becomes a ``StoreError``.
    ///
    /// - Parameters:
    ///   - operation: What is done, as an error says it: "cannot … the place".
    ///   - code: The error's code, where nothing better is known.
    ///   - body: What to do.
    /// - Returns: What came of it.
    /// - Throws: ``StoreError``.
    func use<Value>(
        _ operation: String, otherwise code: StoreError.Code = .failed, _ body: (DatabaseQueue) throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body(queue)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(error, doing: operation, place: place, otherwise: code)
        }
    }

    /// A transaction that reads, and passes on what is thrown within it by others than the database.
    func pass<Value>(_ operation: String, _ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.read(body)
        } catch let error as DatabaseError {
            throw StoreError(error, doing: operation, place: place, otherwise: .failed)
        }
    }

    func read<Value>(_ operation: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
        try use(operation) { try $0.read(body) }
    }

    /// When a transaction is done.
    enum Wait: String {
        /// When the disk has what was written.
        case forDisk = "FULL"
        /// When the operating system has what was written; the disk has it with the next transaction that waits, which goes to
        /// the same file behind it.
        case notForDisk = "NORMAL"
        /// As the database was opened.
        case asOpened
    }

    /// One transaction.
    ///
    /// - Parameters:
    ///   - operation: What is done, as an error says it.
    ///   - wait: When the transaction is done.
    ///   - body: What to do.
    /// - Returns: What came of it.
    /// - Throws: ``StoreError`` where nothing was written.
    func write<Value>(
        _ operation: String, _ wait: Wait = .asOpened, _ body: (Database) throws -> Value
    ) throws(StoreError) -> Value {
        try use(operation) { queue in
            guard wait != .asOpened else { return try queue.write(body) }
            return try queue.writeWithoutTransaction { db in
                let before = try Int64.fetchOne(db, sql: "PRAGMA synchronous") ?? 2
                try db.execute(sql: "PRAGMA synchronous = \(wait.rawValue)")
                defer { try? db.execute(sql: "PRAGMA synchronous = \(before)") }
                return try Self.inTransaction(db, body)
            }
        }
    }

    private static func inTransaction<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        var result: Result<Value, any Error>?
        try db.inTransaction {
            result = Result { try body(db) }
            if case .success = result { return .commit }
            return .rollback
        }
        guard let result else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
        return try result.get()
    }
}

extension StoreError {
    init(_ error: any Error, doing operation: String, place: String, otherwise code: Code) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(code, "cannot \(operation) \(place): \(error)")
            return
        }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .inUse,
                "\(place) is in use by another daemon, or another program has it open; stop that one, or name another "
                    + "state folder")
        case .SQLITE_FULL:
            self.init(.diskFull, "cannot \(operation) \(place): \(error.message ?? "the disk is full")")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self = .damage(place, "is damaged (\(error.message ?? "SQLite error \(error.resultCode)"))")
        default:
            self.init(code, "cannot \(operation) \(place): \(error.message ?? "SQLite error \(error.resultCode)")")
        }
    }
}

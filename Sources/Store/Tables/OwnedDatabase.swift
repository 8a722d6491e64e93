import CSQLite
import Foundation
import GRDB
import Synchronization

/// An SQLite database that is locked for this process until the process ends.
///
/// Opening and closing the database write nothing, so a damaged file is left as it is. The file is written only after
/// ``beginWriting(_:)``.
///
/// A database can be used from any thread; its calls run one at a time.
final class OwnedDatabase: Sendable {
    /// The database's name in errors: its path.
    let place: String
    /// The path of the file; nil for a database in memory.
    private let path: String?
    private let queue: DatabaseQueue
    private let hadLog: Bool
    private let isWritten = Atomic(false)

    /// Opens a database, or creates it if it does not exist.
    ///
    /// - Parameters:
    ///   - path: The file; nil for a database in memory, which is lost when the process ends.
    ///   - pragmas: Additional settings for a database in a file.
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
        // Foreign keys are off, because a snapshot's streams are inserted before the snapshot's row and deleted after
        // it.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // By default, closing would move the write-ahead log into the database and delete the log. Turn that off.
            _ = unsafe sluice_sqlite3_checkpoint_on_close(db.sqliteConnection, 0)
            // The lock lasts until the process ends, no matter how it ends. A second daemon on the same folder is
            // therefore refused at once.
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

    /// Removes an empty log file. SQLite creates a missing log file even if it only reads.
    private static func removeEmptyLog(of path: String) {
        if StateFolder.size(of: path + "-wal") == 0 { _ = unsafe unlink(path + "-wal") }
    }

    /// Throws if a later version of Sluice wrote the database.
    ///
    /// - Parameter migrator: The migrations.
    /// - Returns: The identifiers of the migrations that have been applied.
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

    /// Makes the file writable, and migrates it to the current version.
    ///
    /// - Parameter migrator: The migrations.
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

    /// Makes SQLite move the write-ahead log into the database when it closes the database.
    func foldLogOnClose() {
        queue.inDatabase { db in _ = unsafe sluice_sqlite3_checkpoint_on_close(db.sqliteConnection, 1) }
    }

    /// Copies the whole database over another one.
    ///
    /// - Parameter other: The database to overwrite.
    /// - Throws: ``StoreError`` if this database cannot be read, or the other one cannot be written.
    func copy(to other: OwnedDatabase) throws(StoreError) {
        try use("copy") { source in
            try other.use("write to") { copy in try source.backup(to: copy) }
        }
    }

    /// Throws if the pages of the database are inconsistent.
    ///
    /// - Throws: ``StoreError`` with the code `damaged`.
    func checkPages() throws(StoreError) {
        let problem = try read("read") { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer" }
        guard problem == "ok" else {
            let line = problem.split(separator: "\n").last.map(String.init) ?? problem
            throw .damage(place, "is damaged (\(line))")
        }
    }

    /// Throws if an access right is missing. This is checked first, because SQLite would report only an input/output
    /// error.
    private static func requirePermission(_ path: String) throws(StoreError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        for file in [folder, path, path + "-wal"] {
            guard FileManager.default.fileExists(atPath: file), !FileManager.default.isWritableFile(atPath: file) else {
                continue
            }
            throw StoreError(
                .cannotOpen,
                "cannot write to \(file): permission denied; let the user of sluiced write there, or name another state "
                    + "folder")
        }
    }

    /// Runs a closure on the database, and turns its errors into ``StoreError``s. All access goes through this function
    /// or the functions below.
    ///
    /// - Parameters:
    ///   - operation: A verb for errors, as in "cannot … the database".
    ///   - code: The code for errors that have no more specific code.
    ///   - body: The closure.
    /// - Returns: The result of `body`.
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

    /// Runs a read-only transaction. Errors of the database become ``StoreError``s; any other error of `body` is
    /// rethrown unchanged.
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

    /// The event that a transaction waits for.
    enum Wait: String {
        /// The data is on the disk.
        case forDisk = "FULL"
        /// The operating system has the data. The data reaches the disk at the latest when another transaction on the
        /// same file waits for the disk.
        case notForDisk = "NORMAL"
        /// The database's default.
        case asOpened
    }

    /// Runs a transaction.
    ///
    /// - Parameters:
    ///   - operation: A verb for errors, as in "cannot … the database".
    ///   - wait: The event that the transaction waits for.
    ///   - body: A closure that makes the changes.
    /// - Returns: The result of `body`.
    /// - Throws: ``StoreError`` if nothing was written.
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

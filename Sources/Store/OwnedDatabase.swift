import Foundation
import GRDB

/// An SQLite database that this process alone has, from its opening to the end of the process.
///
/// Safe to use from any thread; uses run one after another.
struct OwnedDatabase: Sendable {
    /// Where it is, as errors name it.
    let place: String
    private let queue: DatabaseQueue

    /// Opens a database, which is created where it is not there, and brings it up to the present version.
    ///
    /// - Parameters:
    ///   - path: The file; nil: in memory, gone with the process.
    ///   - migrator: The tables.
    ///   - pragmas: What else is set, for a file.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `laterVersion`.
    init(path: String?, _ migrator: DatabaseMigrator, pragmas: String = "") throws(StoreError) {
        place = path ?? "memory"
        if let path { try Self.requirePermission(path) }
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            // Held until the process ends, however it ends: a second daemon on the same folder is refused at once.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            if path != nil {
                try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; " + pragmas)
            }
        }
        do {
            queue =
                try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
                ?? DatabaseQueue(configuration: configuration)
        } catch {
            throw StoreError(error, doing: "open", place: place, otherwise: .cannotOpen)
        }
        let isLater = try use("open", otherwise: .cannotOpen) { try $0.read(migrator.hasBeenSuperseded) }
        guard !isLater else {
            throw StoreError(
                .laterVersion,
                "\(place) was written by a later version of Sluice; run that version, or name another folder")
        }
        try use("open", otherwise: .cannotOpen) { try migrator.migrate($0) }
    }

    /// Creates a folder where it is not there.
    ///
    /// - Throws: ``StoreError`` with the code `cannotOpen`.
    static func createFolder(_ folder: String) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StoreError(.cannotOpen, "cannot create the state folder \(folder): \(error.localizedDescription)")
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

    /// One transaction.
    ///
    /// - Parameters:
    ///   - operation: What is done, as an error says it.
    ///   - waitingForDisk: What was written is durable when this returns; if not, only with the next write that waits, which
    ///     goes to the same file behind it.
    ///   - body: What to do.
    /// - Returns: What came of it.
    /// - Throws: ``StoreError`` where nothing was written.
    func write<Value>(
        _ operation: String, waitingForDisk: Bool = true, _ body: (Database) throws -> Value
    ) throws(StoreError) -> Value {
        try use(operation) { queue in
            guard !waitingForDisk else { return try queue.write(body) }
            return try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                defer { try? db.execute(sql: "PRAGMA synchronous = FULL") }
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
    fileprivate init(_ error: any Error, doing operation: String, place: String, otherwise code: Code) {
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
        default:
            self.init(code, "cannot \(operation) \(place): \(error.message ?? "SQLite error \(error.resultCode)")")
        }
    }
}

import Foundation
import GRDB
public import Streams
public import Wire

/// The durable home of stream state: an SQLite database that one daemon owns while it runs.
///
/// Every call is one transaction and waits until it is done, so callers keep it off the hot path; what a call has
/// written when it returns survives a crash of the process and of the machine. Safe to call from any thread; calls run
/// one after another.
public final class StateStore: Sendable {
    /// The name of the database within the state folder.
    public static let fileName = "sluice.sqlite"

    private let database: DatabaseQueue
    private let place: String

    /// Opens the store of a folder, which is created where it is not there.
    ///
    /// - Parameter folder: The state folder; nil: in memory, gone with the process.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `laterVersion`.
    public init(folder: String?) throws(StoreError) {
        place = folder.map { "\($0)/\(Self.fileName)" } ?? "memory"
        if let folder {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw StoreError(.cannotOpen, "cannot create the state folder \(folder): \(error.localizedDescription)")
            }
        }
        database = try Self.open(folder == nil ? nil : place, place: place)
        try migrate()
    }

    private static func open(_ path: String?, place: String) throws(StoreError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            // Held until the process ends, however it ends: a second daemon on the same folder is refused at once.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            if path != nil {
                try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
        }
        do {
            return try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
                ?? DatabaseQueue(configuration: configuration)
        } catch {
            throw StoreError(error, doing: "open", place: place, otherwise: .cannotOpen)
        }
    }

    private func migrate() throws(StoreError) {
        let migrator = Schema.migrator
        let isLater = try perform("open", otherwise: .cannotOpen) { try $0.read(migrator.hasBeenSuperseded) }
        guard !isLater else {
            throw StoreError(
                .laterVersion,
                "\(place) was written by a later version of Sluice; run that version, or name another folder")
        }
        try perform("open", otherwise: .cannotOpen) { try migrator.migrate($0) }
    }

    // MARK: - Checkpoints

    /// All streams of the last checkpoint.
    ///
    /// - Returns: An image of each stream, whatever weights it belongs to.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func streams() throws(StoreError) -> [StreamImage] {
        try perform("read the streams of") { database in
            try database.read { try StreamRow.fetchAll($0, from: "stream") }
        }
    }

    /// Writes streams and forgets others, in one transaction.
    ///
    /// - Parameters:
    ///   - images: The streams that changed, each at most once.
    ///   - removed: The streams to forget; forgotten first, so that one may be in both lists.
    /// - Throws: ``StoreError`` where nothing was written.
    public func checkpoint(_ images: [StreamImage], removing removed: [String]) throws(StoreError) {
        try perform("write a checkpoint to") { database in
            try database.write { db in
                let delete = try db.cachedStatement(sql: "DELETE FROM stream WHERE id = ?")
                for id in removed { try delete.execute(arguments: [id]) }
                var weights = WeightsTable()
                let upsert = try db.cachedStatement(
                    sql: """
                        INSERT OR REPLACE INTO stream (weights, id, sequence, step, time, label, gap_pending, "values")
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """)
                for image in images {
                    let row = StreamRow.arguments(image)
                    try upsert.execute(arguments: [try weights.id(of: image.fingerprint, in: db)] + row)
                }
            }
        }
    }

    // MARK: - Snapshots

    /// Keeps streams under a name.
    ///
    /// - Parameters:
    ///   - name: A name that no snapshot has.
    ///   - images: The streams as they stand, each at most once.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The entry as ``snapshots()`` lists it.
    /// - Throws: ``StoreError``: `snapshotExists`, or `failed` where nothing was written.
    public func saveSnapshot(
        _ name: String, of images: [StreamImage], time: Int64
    ) throws(StoreError) -> SnapshotStatus {
        let bytes = images.reduce(0) { $0 + $1.byteCount }
        try perform("write a snapshot to") { database in
            try database.write { db in
                if try Self.snapshot(named: name, in: db) != nil {
                    throw StoreError(
                        .snapshotExists,
                        "a snapshot '\(name)' is there already; delete it first, or choose another name")
                }
                try db.execute(
                    sql: "INSERT INTO snapshot (name, time, streams, bytes) VALUES (?, ?, ?, ?)",
                    arguments: [name, time, images.count, bytes])
                try Self.add(images, toSnapshot: db.lastInsertedRowID, in: db)
            }
        }
        let models = Set(images.map(\.fingerprint)).sorted()
        return SnapshotStatus(name: name, streams: images.count, bytes: bytes, time: time, models: models)
    }

    /// The snapshots, oldest first.
    ///
    /// - Returns: An entry for each.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func snapshots() throws(StoreError) -> [SnapshotStatus] {
        try perform("read the snapshots of") { database in
            try database.read { db in
                try Row.fetchAll(db, sql: "SELECT * FROM snapshot ORDER BY time, id").map { row in
                    let models = try String.fetchAll(
                        db,
                        sql: """
                            SELECT fingerprint FROM weights
                            WHERE id IN (SELECT weights FROM snapshot_stream WHERE snapshot = ?) ORDER BY fingerprint
                            """,
                        arguments: [row["id"] as Int64])
                    return SnapshotStatus(
                        name: row["name"], streams: row["streams"], bytes: row["bytes"], time: row["time"],
                        models: models)
                }
            }
        }
    }

    /// The streams of a snapshot.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - selection: Which of its streams.
    /// - Returns: An image of each; empty where the snapshot has none of them.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where the database cannot be read.
    public func streams(
        ofSnapshot name: String, _ selection: ControlCommand.Selection
    ) throws(StoreError) -> [StreamImage] {
        try perform("read a snapshot of") { database in
            try database.read { db in
                let (condition, argument): (String, String) =
                    switch selection {
                    case .all: ("? = ''", "")
                    case .stream(let id): ("snapshot_stream.id = ?", id)
                    case .prefix(let prefix): ("instr(snapshot_stream.id, ?) = 1", prefix)
                    }
                return try StreamRow.fetchAll(
                    db, from: "snapshot_stream", where: "snapshot = ? AND \(condition)",
                    arguments: [try Self.requireSnapshot(named: name, in: db), argument])
            }
        }
    }

    /// Forgets a snapshot.
    ///
    /// - Parameter name: The snapshot's name.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where it is still there.
    public func deleteSnapshot(_ name: String) throws(StoreError) {
        try perform("delete a snapshot from") { database in
            try database.write { db in
                let snapshot = try Self.requireSnapshot(named: name, in: db)
                try db.execute(sql: "DELETE FROM snapshot WHERE id = ?", arguments: [snapshot])
            }
        }
    }

    static func add(_ images: [StreamImage], toSnapshot snapshot: Int64, in db: Database) throws {
        var weights = WeightsTable()
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO snapshot_stream
                    (snapshot, weights, id, sequence, step, time, label, gap_pending, "values")
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for image in images {
            let row = StreamRow.arguments(image)
            try insert.execute(arguments: [snapshot, try weights.id(of: image.fingerprint, in: db)] + row)
        }
    }

    static func snapshot(named name: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT id FROM snapshot WHERE name = ?", arguments: [name])
    }

    static func requireSnapshot(named name: String, in db: Database) throws -> Int64 {
        guard let id = try snapshot(named: name, in: db) else {
            throw StoreError(.noSuchSnapshot, "no snapshot '\(name)'; 'snapshots' lists those that there are")
        }
        return id
    }

    // MARK: - Errors

    /// Every use of the database goes through here, so that all that it throws becomes a ``StoreError``.
    func perform<Value>(
        _ operation: String, otherwise code: StoreError.Code = .failed, _ body: (DatabaseQueue) throws -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body(database)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(error, doing: operation, place: place, otherwise: code)
        }
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
            self.init(.inUse, "\(place) is in use by another daemon; stop that one, or name another state folder")
        default:
            self.init(code, "cannot \(operation) \(place): \(error.message ?? "SQLite error \(error.resultCode)")")
        }
    }
}

/// Finds the number of a fingerprint within one transaction, and gives it one where it is new.
struct WeightsTable {
    private var ids: [String: Int64] = [:]

    mutating func id(of fingerprint: String, in db: Database) throws -> Int64 {
        if let id = ids[fingerprint] { return id }
        try db.execute(sql: "INSERT OR IGNORE INTO weights (fingerprint) VALUES (?)", arguments: [fingerprint])
        let id = try Int64.fetchOne(
            db, sql: "SELECT id FROM weights WHERE fingerprint = ?", arguments: [fingerprint])
        ids[fingerprint] = id
        return id ?? 0
    }
}

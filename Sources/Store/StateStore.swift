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

    /// Streams that are read from the database at a time.
    private static let streamsPerSlice = 4096

    let database: OwnedDatabase

    /// Opens the store of a folder, which is created where it is not there.
    ///
    /// - Parameter folder: The state folder; nil: in memory, gone with the process.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `laterVersion`.
    public init(folder: String?) throws(StoreError) {
        if let folder { try OwnedDatabase.createFolder(folder) }
        database = try OwnedDatabase(
            path: folder.map { "\($0)/\(Self.fileName)" }, Schema.migrator,
            // A checkpoint of a million streams writes some 40,000 pages: they are moved into the database 4,000 at a time.
            pragmas: "PRAGMA wal_autocheckpoint = 4000")
    }

    // MARK: - Checkpoints

    /// All streams of the last checkpoint, whatever weights they belong to, in the order of their keys.
    ///
    /// - Parameter body: Called with some of them at a time. What it throws ends the reading, and is passed on.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func forEachSlice(_ body: (StreamSlice) throws -> Void) throws {
        try database.pass("read the streams of") { db in
            let weights = try WeightsTable(db)
            let select = try db.makeStatement(
                sql: "SELECT key, position, \(StreamRow.columns) FROM stream ORDER BY key")
            var values: [Float] = []
            var slice = StreamSlice(fingerprints: weights.fingerprints)
            while try select.step(in: db) {
                StreamRow.append(
                    select, at: 2, key: UInt32(truncatingIfNeeded: select.int64(0)),
                    position: UInt64(bitPattern: select.int64(1)), weights: weights, using: &values, to: &slice)
                if slice.entries.count == Self.streamsPerSlice {
                    try body(slice)
                    slice = StreamSlice(
                        fingerprints: weights.fingerprints, capacity: Self.streamsPerSlice,
                        valuesPerStream: values.count)
                }
            }
            if !slice.isEmpty { try body(slice) }
        }
    }

    /// Writes streams and forgets others, in one transaction. Whole when this returns; durable only when a later
    /// ``endCheckpoint(at:)`` or ``remove(_:)`` has returned, so that a checkpoint of many slices waits once for the disk.
    ///
    /// - Parameter slice: The streams that changed, and the keys of those that are gone.
    /// - Throws: ``StoreError`` where nothing was written.
    public func write(_ slice: StreamSlice) throws(StoreError) {
        try database.write("write a checkpoint to", waitingForDisk: false) { db in
            // First: another stream of the slice may have such a key by now.
            try Self.delete(slice.removedKeys, in: db)
            let weights = try WeightsTable.numbers(of: slice, in: db)
            let upsert = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO stream (key, position, \(StreamRow.columns))
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            for (number, entry) in slice.entries.enumerated() {
                upsert.bind(Int64(entry.key), at: 1)
                upsert.bind(Int64(bitPattern: entry.position), at: 2)
                StreamRow.bind(slice, number, weights: weights, to: upsert, at: 3)
                try upsert.run(in: db)
            }
        }
    }

    /// Forgets streams.
    ///
    /// - Parameter keys: Those of the streams.
    /// - Throws: ``StoreError`` where none was forgotten.
    public func remove(_ keys: [UInt32]) throws(StoreError) {
        try database.write("delete streams from") { try Self.delete(keys, in: $0) }
    }

    private static func delete(_ keys: [UInt32], in db: Database) throws {
        let delete = try db.cachedStatement(sql: "DELETE FROM stream WHERE key = ?")
        for key in keys {
            delete.bind(Int64(key), at: 1)
            try delete.run(in: db)
        }
    }

    /// The journal's record up to which all that the journal has is in the streams here; 0: none.
    ///
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func position() throws(StoreError) -> UInt64 {
        try database.read("read") { db in
            UInt64(bitPattern: try Int64.fetchOne(db, sql: "SELECT position FROM checkpoint") ?? 0)
        }
    }

    /// Makes what was written durable, and notes that it is a checkpoint of all streams.
    ///
    /// - Parameter position: The journal's last record when the checkpoint began.
    /// - Throws: ``StoreError`` where it may not be durable.
    public func endCheckpoint(at position: UInt64) throws(StoreError) {
        try database.write("write a checkpoint to") { db in
            try db.execute(sql: "UPDATE checkpoint SET position = ?", arguments: [Int64(bitPattern: position)])
        }
    }

    // MARK: - Snapshots

    /// Keeps streams under a name.
    ///
    /// - Parameters:
    ///   - name: A name that no snapshot has.
    ///   - slice: The streams as they stand, each at most once.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The entry as ``snapshots()`` lists it.
    /// - Throws: ``StoreError``: `snapshotExists`, or `failed` where nothing was written.
    public func saveSnapshot(
        _ name: String, of slice: StreamSlice, time: Int64
    ) throws(StoreError) -> SnapshotStatus {
        let streams = slice.entries.count
        try database.write("write a snapshot to") { db in
            if try Self.snapshot(named: name, in: db) != nil {
                throw StoreError(
                    .snapshotExists,
                    "a snapshot '\(name)' is there already; delete it first, or choose another name")
            }
            try db.execute(
                sql: "INSERT INTO snapshot (name, time, streams, bytes) VALUES (?, ?, ?, ?)",
                arguments: [name, time, streams, slice.byteCount])
            let snapshot = db.lastInsertedRowID
            try Self.add(slice, toSnapshot: snapshot, in: db)
        }
        let models = Set(slice.entries.map { slice.fingerprints[$0.weights] }).sorted()
        return SnapshotStatus(name: name, streams: streams, bytes: slice.byteCount, time: time, models: models)
    }

    /// The snapshots, oldest first.
    ///
    /// - Returns: An entry for each.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func snapshots() throws(StoreError) -> [SnapshotStatus] {
        try database.read("read the snapshots of") { db in
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

    /// The streams of a snapshot.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - selection: Which of its streams.
    /// - Returns: Those, with keys that mean nothing; empty where the snapshot has none of them.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where the database cannot be read.
    public func streams(
        ofSnapshot name: String, _ selection: ControlCommand.Selection
    ) throws(StoreError) -> StreamSlice {
        try database.read("read a snapshot of") { db in
            let (condition, argument): (String, String) =
                switch selection {
                case .all: ("? = ''", "")
                case .stream(let id): ("id = ?", id)
                case .prefix(let prefix): ("instr(id, ?) = 1", prefix)
                }
            let weights = try WeightsTable(db)
            let select = try db.makeStatement(
                sql: "SELECT \(StreamRow.columns) FROM snapshot_stream WHERE snapshot = ? AND \(condition)")
            try select.setArguments([try Self.requireSnapshot(named: name, in: db), argument])
            var values: [Float] = []
            var slice = StreamSlice(fingerprints: weights.fingerprints)
            while try select.step(in: db) {
                StreamRow.append(
                    select, at: 0, key: 0, position: 0, weights: weights, using: &values, to: &slice)
            }
            return slice
        }
    }

    /// Forgets a snapshot.
    ///
    /// - Parameter name: The snapshot's name.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where it is still there.
    public func deleteSnapshot(_ name: String) throws(StoreError) {
        try database.write("delete a snapshot from") { db in
            let snapshot = try Self.requireSnapshot(named: name, in: db)
            try db.execute(sql: "DELETE FROM snapshot WHERE id = ?", arguments: [snapshot])
        }
    }

    static func add(_ slice: StreamSlice, toSnapshot snapshot: Int64, in db: Database) throws {
        let weights = try WeightsTable.numbers(of: slice, in: db)
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO snapshot_stream (snapshot, \(StreamRow.columns))
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for number in slice.entries.indices {
            insert.bind(snapshot, at: 1)
            StreamRow.bind(slice, number, weights: weights, to: insert, at: 2)
            try insert.run(in: db)
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
}

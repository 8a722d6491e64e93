import GRDB
public import Streams
public import Wire

/// Named copies of state.
extension StateStore {
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
        try change("write a snapshot to") { db, content in
            if try SnapshotRow.named(name, in: db) != nil {
                throw StoreError(
                    .snapshotExists,
                    "a snapshot '\(name)' is there already; delete it first, or choose another name")
            }
            var row = try SnapshotRow.insert(name, time: time, in: db)
            try Self.add(slice, to: &row, in: db, &content)
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
            try select.setArguments([try Self.requireSnapshot(named: name, in: db).id, argument])
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
        try change("delete a snapshot from") { db, content in
            let row = try Self.requireSnapshot(named: name, in: db)
            try db.execute(sql: "DELETE FROM snapshot WHERE id = ?", arguments: [row.id])
            content.header.snapshots += StreamDigest.Sum(rows: -1, checksums: 0 &- row.stored)
        }
    }

    /// Adds streams to a snapshot, and all that proves them.
    ///
    /// - Parameters:
    ///   - slice: The streams.
    ///   - row: The snapshot, which is in the table.
    ///   - db: The database.
    ///   - content: What proves the database.
    /// - Throws: `DatabaseError` where they cannot be written.
    static func add(
        _ slice: StreamSlice, to row: inout SnapshotRow, in db: Database, _ content: inout Content
    ) throws {
        let weights = try WeightsTable.numbers(of: slice, in: db, &content)
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO snapshot_stream (snapshot, \(StreamRow.columns), checksum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for number in slice.entries.indices {
            let checksum = StreamRow.checksum(
                ofSnapshot: row.id, slice, number, weights: weights, &content.checksum)
            insert.bind(row.id, at: 1)
            StreamRow.bind(slice, number, weights: weights, to: insert, at: 2)
            insert.bind(Int64(bitPattern: checksum), at: 10)
            try insert.run(in: db)
            row.streams += StreamDigest.Sum(rows: 1, checksums: checksum)
        }
        let isNew = row.stored == 0
        row.bytes += Int64(slice.byteCount)
        let change = try row.update(in: db, &content.checksum)
        content.header.snapshots += StreamDigest.Sum(rows: isNew ? 1 : 0, checksums: change)
    }

    static func requireSnapshot(named name: String, in db: Database) throws -> SnapshotRow {
        guard let row = try SnapshotRow.named(name, in: db) else {
            throw StoreError(.noSuchSnapshot, "no snapshot '\(name)'; 'snapshots' lists those that there are")
        }
        return row
    }
}

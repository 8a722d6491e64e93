import GRDB
import Streams
public import Wire

/// Lists, deletes and fills snapshots.
extension StateStore {
    /// The maximum number of snapshots whose names are compared with an unknown name. The newest snapshots are chosen.
    private static let mostSuggested = 1_000

    /// Lists the snapshots, oldest first.
    ///
    /// - Returns: The status of each snapshot.
    /// - Throws: ``StoreError`` if the database cannot be read.
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

    /// Deletes a snapshot. Its streams remain until ``removeLeftovers(limit:)`` deletes them.
    ///
    /// - Parameter name: The snapshot's name.
    /// - Throws: ``StoreError`` with the code `noSuchSnapshot`, or `failed` if the snapshot still exists.
    public func deleteSnapshot(_ name: String) throws(StoreError) {
        try change("delete a snapshot from") { db, content in
            let row = try Self.requireSnapshot(named: name, in: db)
            try db.execute(sql: "DELETE FROM snapshot WHERE id = ?", arguments: [row.id])
            content.header.snapshots += StreamDigest.Sum(rows: -1, checksums: 0 &- row.stored)
        }
    }

    /// Inserts streams into a snapshot, and updates the sums in `row`. The caller writes the row.
    ///
    /// - Parameters:
    ///   - slice: The streams.
    ///   - row: The snapshot's row.
    ///   - db: The database.
    ///   - content: The store's content, with the checksums of the database.
    /// - Throws: `DatabaseError` if the streams cannot be written.
    static func insert(
        _ slice: StreamSlice, of row: inout SnapshotRow, in db: Database, _ content: inout Content
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
        row.bytes += Int64(slice.byteCount)
    }

    static func requireSnapshot(named name: String, in db: Database) throws -> SnapshotRow {
        guard let row = try SnapshotRow.named(name, in: db) else {
            let others = try String.fetchAll(
                db, sql: "SELECT name FROM snapshot ORDER BY time DESC LIMIT \(mostSuggested)")
            throw StoreError(
                .noSuchSnapshot,
                "no snapshot '\(name)'"
                    + Suggestion.words(for: name, among: others, else: "run 'sluice snapshots' to list snapshots"))
        }
        return row
    }
}

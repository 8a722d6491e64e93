import GRDB
public import Streams
public import Wire

/// A snapshot that is written some streams at a time. Nobody sees anything of it before ``StateStore/finish(_:)``.
public struct StagedSnapshot: Equatable, Sendable {
    /// The snapshot's name.
    public let name: String
    /// Nanoseconds since the Unix epoch.
    public let time: Int64
    /// The number under which its streams are.
    fileprivate let number: Int64

    /// A snapshot of which nothing is written.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - time: Nanoseconds since the Unix epoch.
    public init(_ name: String, time: Int64) {
        (self.name, self.time) = (name, time)
        number = SnapshotRow(newNamed: name, time: time).id
    }
}

/// The streams of a snapshot that are written so far.
struct StagedRows {
    /// The snapshot's row, which is not in the table yet.
    var row: SnapshotRow
    /// The fingerprints of the weights of its streams.
    var models: Set<String> = []
}

/// Snapshots that are written in slices.
///
///     begin ──▶ stage, stage … ──▶ finish
///
/// The table `snapshot_stream` has the streams from the first slice on, under a number that no row of `snapshot` has. Such
/// streams are not there for anybody, and nothing proves them. The last transaction adds the row of `snapshot`. Streams whose
/// row never came, or is gone, are left over and deleted some at a time.
extension StateStore {
    /// Begins a snapshot.
    ///
    /// - Parameter snapshot: The snapshot.
    /// - Throws: ``StoreError``: `snapshotExists`, or `failed` where the database cannot be read. ``finish(_:)`` throws it too.
    public func begin(_ snapshot: StagedSnapshot) throws(StoreError) {
        try staging(snapshot) { () throws(StoreError) in
            try database.read("write a snapshot to") { try Self.requireNone(named: snapshot.name, in: $0) }
            return StagedRows(row: SnapshotRow(id: snapshot.number, name: snapshot.name, time: snapshot.time))
        }
    }

    /// Writes some streams of a snapshot that was begun. Whole when this returns; durable with ``finish(_:)``.
    ///
    /// - Parameters:
    ///   - slice: The streams.
    ///   - snapshot: The snapshot, which has none of the streams.
    /// - Throws: ``StoreError`` where they are not written. From then on the snapshot cannot be finished.
    public func stage(_ slice: StreamSlice, of snapshot: StagedSnapshot) throws(StoreError) {
        guard !slice.entries.isEmpty else { return }
        let before = try stagedRows(snapshot)
        try staging(snapshot) { () throws(StoreError) in
            var staged = before
            try change("write a snapshot to", isDurable: false) { db, content in
                try Self.insert(slice, of: &staged.row, in: db, &content)
            }
            for entry in slice.entries { staged.models.insert(slice.fingerprints[entry.weights]) }
            return staged
        }
    }

    /// Copies some streams of the last checkpoint into a snapshot that was begun.
    ///
    /// - Parameters:
    ///   - keys: The streams' keys.
    ///   - snapshot: The snapshot, which has none of the streams.
    /// - Throws: ``StoreError``, as ``stage(_:of:)``.
    public func stage(_ keys: [UInt32], of snapshot: StagedSnapshot) throws(StoreError) {
        var first = 0
        while first < keys.count {
            let end = min(keys.count, first + Self.streamsPerSlice)
            try stage(try streams(Array(keys[first..<end])), of: snapshot)
            first = end
        }
    }

    /// Makes a snapshot that was begun durable, and has everybody see it.
    ///
    /// - Parameter snapshot: The snapshot.
    /// - Returns: The entry as ``snapshots()`` lists it.
    /// - Throws: ``StoreError`` where the snapshot is not there: the reason for which it could not be begun or written, or
    ///   `snapshotExists`.
    public func finish(_ snapshot: StagedSnapshot) throws(StoreError) -> SnapshotStatus {
        defer { content.withLock { $0.staged[snapshot.number] = nil } }
        let staged = try stagedRows(snapshot)
        try change("write a snapshot to") { db, content in
            try Self.requireNone(named: snapshot.name, in: db)
            var row = staged.row
            try row.insert(in: db)
            let change = try row.update(in: db, &content.checksum)
            content.header.snapshots += StreamDigest.Sum(rows: 1, checksums: change)
        }
        return SnapshotStatus(
            name: snapshot.name, streams: Int(staged.row.streams.rows), bytes: Int(staged.row.bytes),
            time: snapshot.time, models: staged.models.sorted())
    }

    /// Gives up a snapshot that could not be finished. What is written of it is left over.
    ///
    /// - Parameter snapshot: The snapshot.
    public func discard(_ snapshot: StagedSnapshot) {
        content.withLock { $0.staged[snapshot.number] = nil }
    }

    /// Deletes some of the streams that belong to no snapshot: it was deleted, or could not be finished, or a crash came
    /// before it was.
    ///
    /// - Parameter limit: At most so many.
    /// - Returns: Whether there may be more.
    /// - Throws: ``StoreError`` where they are still there.
    public func removeLeftovers(limit: Int) throws(StoreError) -> Bool {
        let numbers = try database.read("read the snapshots of") { db in
            // From each number to the next by the key, past all of its streams.
            try Int64.fetchAll(
                db,
                sql: """
                    WITH RECURSIVE found(number) AS (
                        SELECT min(snapshot) FROM snapshot_stream
                        UNION ALL
                        SELECT (SELECT min(snapshot) FROM snapshot_stream WHERE snapshot > number)
                        FROM found WHERE number IS NOT NULL
                    )
                    SELECT number FROM found WHERE number IS NOT NULL AND number NOT IN (SELECT id FROM snapshot)
                    """)
        }
        let staged = content.withLock { Set($0.staged.keys) }
        guard let number = numbers.first(where: { !staged.contains($0) }) else { return false }
        var isChanged = false
        try change("delete a snapshot from", isDurable: false) { db, _ in
            try db.execute(
                sql: """
                    DELETE FROM snapshot_stream WHERE snapshot = ?1 AND id <= (
                        SELECT max(id) FROM (SELECT id FROM snapshot_stream WHERE snapshot = ?1 ORDER BY id LIMIT ?2))
                    """, arguments: [number, limit])
            isChanged = db.changesCount > 0
        }
        return isChanged
    }

    /// What is written of a snapshot so far.
    private func stagedRows(_ snapshot: StagedSnapshot) throws(StoreError) -> StagedRows {
        guard let staged = content.withLock({ $0.staged[snapshot.number] }) else {
            throw StoreError(.failed, "the snapshot '\(snapshot.name)' was not begun, or is finished")
        }
        return try staged.get()
    }

    /// Notes what comes of a step: what the snapshot has now, or why it cannot be written.
    private func staging(
        _ snapshot: StagedSnapshot, _ step: () throws(StoreError) -> StagedRows
    ) throws(StoreError) {
        let result = Result { () throws(StoreError) in try step() }
        content.withLock { $0.staged[snapshot.number] = result }
        _ = try result.get()
    }

    private static func requireNone(named name: String, in db: Database) throws {
        guard try SnapshotRow.named(name, in: db) == nil else {
            throw StoreError(
                .snapshotExists, "a snapshot '\(name)' is there already; delete it first, or choose another name")
        }
    }
}

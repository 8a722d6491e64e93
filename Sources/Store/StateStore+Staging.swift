import GRDB
public import Streams
public import Wire

/// A snapshot that is written a few streams at a time. It remains invisible until ``StateStore/finish(_:)``.
public struct StagedSnapshot: Equatable, Sendable {
    /// The snapshot's name.
    public let name: String
    /// The time of the snapshot in nanoseconds since the Unix epoch.
    public let time: Int64
    /// The number by which the streams' rows refer to the snapshot.
    fileprivate let number: Int64

    /// Creates a snapshot without streams.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - time: The time of the snapshot in nanoseconds since the Unix epoch.
    public init(_ name: String, time: Int64) {
        (self.name, self.time) = (name, time)
        number = SnapshotRow(newNamed: name, time: time).id
    }
}

/// The part of a snapshot that has been written so far.
struct StagedRows {
    /// The snapshot's row, which has not been inserted into the table yet.
    var row: SnapshotRow
    /// The fingerprints of the streams' weights.
    var models: Set<String> = []
}

/// Writes snapshots in slices.
///
///     begin ──▶ stage, stage … ──▶ finish
///
/// The slices go to the table `snapshot_stream`, under a number that the table `snapshot` does not contain yet. The
/// last transaction inserts the row of `snapshot`. Until then, the streams are invisible and do not count toward the
/// header's sums. If the row is never inserted, the streams are leftovers, which are deleted a few at a time.
extension StateStore {
    /// Begins a snapshot.
    ///
    /// - Parameter snapshot: The snapshot.
    /// - Throws: ``StoreError`` with the code `snapshotExists`, or `failed` if the database cannot be read. A later
    ///   ``finish(_:)`` throws the same error.
    public func begin(_ snapshot: StagedSnapshot) throws(StoreError) {
        try staging(snapshot) { () throws(StoreError) in
            try database.read("write a snapshot to") { try Self.requireNone(named: snapshot.name, in: $0) }
            return StagedRows(row: SnapshotRow(id: snapshot.number, name: snapshot.name, time: snapshot.time))
        }
    }

    /// Writes some streams of a snapshot. Either all of the streams are written or none. ``finish(_:)`` makes them
    /// durable.
    ///
    /// - Parameters:
    ///   - slice: Streams that are not in the snapshot yet.
    ///   - snapshot: A snapshot that ``begin(_:)`` has started.
    /// - Throws: ``StoreError`` if the streams were not written. The snapshot then cannot be finished.
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

    /// Copies some streams of the last checkpoint into a snapshot.
    ///
    /// - Parameters:
    ///   - keys: The keys of streams that are not in the snapshot yet.
    ///   - snapshot: A snapshot that ``begin(_:)`` has started.
    /// - Throws: ``StoreError``, as in ``stage(_:of:)``.
    public func stage(_ keys: [UInt32], of snapshot: StagedSnapshot) throws(StoreError) {
        var first = 0
        while first < keys.count {
            let end = min(keys.count, first + Self.streamsPerSlice)
            try stage(try streams(Array(keys[first..<end])), of: snapshot)
            first = end
        }
    }

    /// Makes a snapshot durable and visible.
    ///
    /// - Parameter snapshot: A snapshot that ``begin(_:)`` has started.
    /// - Returns: The snapshot's status.
    /// - Throws: ``StoreError`` if the snapshot cannot be completed. An error that ``begin(_:)`` or a slice has already
    ///   thrown is thrown again. The code is `snapshotExists` if another snapshot has taken the name in the meantime.
    public func finish(_ snapshot: StagedSnapshot) throws(StoreError) -> SnapshotStatus {
        defer { discard(snapshot) }
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

    /// Abandons a snapshot that could not be finished. The streams already written become leftovers.
    ///
    /// - Parameter snapshot: The snapshot.
    public func discard(_ snapshot: StagedSnapshot) {
        content.withLock { $0.staged[snapshot.number] = nil }
    }

    /// Deletes some leftover streams. They belong to no snapshot, because their snapshot was deleted or was never
    /// finished.
    ///
    /// - Parameter limit: The maximum number of streams to delete.
    /// - Returns: Whether there may be more leftovers.
    /// - Throws: ``StoreError`` if no stream was deleted.
    public func removeLeftovers(limit: Int) throws(StoreError) -> Bool {
        let numbers = try database.read("read the snapshots of") { db in
            // Step from each snapshot number to the next without reading the streams in between.
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

    /// Returns the part of a snapshot that has been written so far, or throws the error that made the snapshot fail.
    private func stagedRows(_ snapshot: StagedSnapshot) throws(StoreError) -> StagedRows {
        guard let staged = content.withLock({ $0.staged[snapshot.number] }) else {
            throw StoreError(.failed, "the snapshot '\(snapshot.name)' was not begun, or is finished")
        }
        return try staged.get()
    }

    /// Performs one step of a snapshot, and remembers its result: the new contents, or the error.
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

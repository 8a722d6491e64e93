import GRDB

/// The sound rows of a damaged database. A row is sound if checksums prove that it still has the contents that were
/// last written to it.
struct SoundRows {
    /// The keys of the sound streams.
    private(set) var keys: Set<UInt32> = []
    /// Whether all streams and all snapshots are sound.
    private(set) var isComplete = false
    private var snapshots: [SnapshotRow] = []
    private var lostSnapshots: [String] = []

    /// Creates a result without sound rows.
    init() {}

    /// A row of the table `stream` that could be read.
    private struct Found {
        /// The checksum computed from the row's contents. The row is sound only if ``stored`` has the same value.
        var computed: UInt64
        var stored: UInt64
    }

    /// Finds the sound rows.
    ///
    /// - Parameters:
    ///   - db: The database.
    ///   - header: The database's header.
    /// - Throws: `DatabaseError` if the snapshots cannot be read.
    init(_ db: Database, _ header: StoreHeader) throws {
        var checksum = Checksum(header.identity)
        let weights = (try? Set(Int64.fetchAll(db, sql: "SELECT id FROM weights"))) ?? []
        let others = (try? SmallTables.verifiedSum(in: db, &checksum)) ?? nil
        // If the table of weights is damaged, the model of each stream is unknown, so no row can be used.
        guard others == header.others else {
            if header.snapshots.rows > 0 { lostSnapshots = ["all of \(header.snapshots.rows)"] }
            return
        }
        let stored = (try? StreamDigest.stored(in: db)) ?? [:]
        var total = StreamDigest.Sum()
        for sum in stored.values { total += sum }
        let found = Self.readableRows(db, Array(stored.keys), weights, &checksum)
        if total == header.streams {
            for (bucket, rows) in Dictionary(grouping: found, by: { StreamDigest.bucket(of: $0.key) }) {
                keys.formUnion(Self.proved(rows.map { ($0.key, $0.value) }, stored[bucket] ?? StreamDigest.Sum()))
            }
        } else {
            // The stored sums of the buckets are damaged, so only the sum over all rows is left. That sum proves either
            // all sound rows or none of them.
            keys.formUnion(Self.proved(found.map { ($0.key, $0.value) }, header.streams))
        }
        try findSnapshots(db, header, &checksum)
        isComplete = total == header.streams && keys.count == Int(header.streams.rows) && lostSnapshots.isEmpty
    }

    /// Returns the keys of the rows that a sum proves to be unchanged since they were last written.
    ///
    /// The sum covers every row as it was last written. For a damaged row, the sum contains either the checksum that
    /// the row still stores or the one computed from its contents. If some combination of these checksums yields the
    /// sum, all other rows are sound.
    private static func proved(_ rows: [(key: UInt32, row: Found)], _ sum: StreamDigest.Sum) -> [UInt32] {
        let sound = rows.filter { $0.row.computed == $0.row.stored }
        let damaged = rows.filter { $0.row.computed != $0.row.stored }
        guard Int64(rows.count) == sum.rows, damaged.count <= 8 else { return [] }
        let rest = sound.reduce(sum.checksums) { $0 &- $1.row.stored }
        // Each choice picks one of the two checksums for every damaged row.
        for choice in 0..<(1 << damaged.count) {
            let chosen = damaged.enumerated().map { choice >> $0 & 1 == 0 ? $1.row.stored : $1.row.computed }
            if chosen.reduce(0, &+) == rest { return sound.map(\.key) }
        }
        return []
    }

    /// Reads all readable rows: forward from the first row, then backward from the last, and finally key by key in the
    /// remaining gap.
    private static func readableRows(
        _ db: Database, _ buckets: [UInt32], _ weights: Set<Int64>, _ checksum: inout Checksum
    ) -> [UInt32: Found] {
        var found: [UInt32: Found] = [:]
        let columns = "key, position, \(StreamRow.columns), checksum"
        func read(_ sql: String, _ key: Int64?) -> Bool {
            do {
                let select = try db.cachedStatement(sql: sql)
                if let key { try select.setArguments([key]) }
                while try select.step(in: db) {
                    guard let key = UInt32(exactly: select.int64(0)) else { continue }
                    let computed = StreamRow.checksumOfStream(select, &checksum)
                    let stored = UInt64(bitPattern: select.int64(2 + StreamRow.columnCount))
                    let isKnown = weights.contains(select.int64(2))
                    found[key] = Found(computed: computed, stored: isKnown ? stored : computed &+ 1)
                }
                return true
            } catch {
                return false
            }
        }
        if read("SELECT \(columns) FROM stream ORDER BY key", nil) { return found }
        let first = found.keys.max().map { Int64($0) } ?? -1
        let before = Set(found.keys)
        _ = read("SELECT \(columns) FROM stream ORDER BY key DESC", nil)
        let last = found.keys.filter { !before.contains($0) }.min().map { Int64($0) } ?? .max
        for bucket in buckets {
            let start = Int64(bucket) * Int64(StreamDigest.rowsPerBucket)
            for key in start..<(start + Int64(StreamDigest.rowsPerBucket)) where key > first && key < last {
                _ = read("SELECT \(columns) FROM stream WHERE key = ?", key)
            }
        }
        return found
    }

    private mutating func findSnapshots(_ db: Database, _ header: StoreHeader, _ checksum: inout Checksum) throws {
        guard let rows = try? SnapshotRow.all(in: db) else {
            lostSnapshots = ["all of \(header.snapshots.rows)"]
            return
        }
        var sum = StreamDigest.Sum()
        for row in rows {
            let isSound = row.checksum(&checksum) == row.stored
            if isSound, let whole = try? row.examine(in: db, &checksum), whole.isWhole {
                snapshots.append(row)
                sum += StreamDigest.Sum(rows: 1, checksums: row.stored)
            } else {
                lostSnapshots.append(row.name)
            }
        }
        // The sum proves the snapshots only as a whole. If it differs, a damaged page may hold older rows, such as a
        // snapshot that has since been deleted.
        if lostSnapshots.isEmpty, sum != header.snapshots {
            lostSnapshots = snapshots.map(\.name) + ["others"]
            snapshots = []
        }
    }

    /// Copies the sound rows into an empty database. The copy is sealed if the damaged database was sealed.
    ///
    /// - Returns: The number of copied streams, and the names of the lost snapshots.
    func copy(
        from source: Database, to db: Database, _ header: StoreHeader
    ) throws -> (streams: Int, lostSnapshots: [String]) {
        var header = header
        var checksum = Checksum(header.identity)
        if !keys.isEmpty || !snapshots.isEmpty {
            try copyTable("weights", "id, fingerprint, checksum", from: source, to: db)
            try copyTable("layout", "fingerprint, layout, checksum", from: source, to: db)
        }
        // Ignore an error: the database may come from a version without dictionaries, or the table may be damaged.
        // Producers announce a lost dictionary again.
        try? copyTable("dictionary", "number, hash, ids", from: source, to: db)
        header.others = try SmallTables.verifiedSum(in: db, &checksum) ?? 0
        var digest = StreamDigest()
        let columns = "key, position, \(StreamRow.columns), checksum"
        for key in keys.sorted() {
            // SQLite may fail to find a row by its key even though it found the row earlier through another page.
            let row = try? Row.fetchOne(
                source, sql: "SELECT \(columns) FROM stream WHERE key = ?", arguments: [key])
            guard let row else { continue }
            try Self.insert(row, into: "stream", columns, in: db)
            digest.set(key, UInt64(bitPattern: row[2 + StreamRow.columnCount] as Int64))
        }
        try digest.writeChanged(in: db)
        header.streams = digest.total
        header.snapshots = StreamDigest.Sum()
        for row in snapshots {
            try copySnapshot(row, from: source, to: db)
            header.snapshots += StreamDigest.Sum(rows: 1, checksums: row.stored)
        }
        try db.execute(sql: "DELETE FROM header")
        try header.insert(in: db)
        return (Int(header.streams.rows), lostSnapshots)
    }

    private func copySnapshot(_ snapshot: SnapshotRow, from source: Database, to db: Database) throws {
        let row = try Row.fetchOne(
            source, sql: "SELECT \(SnapshotRow.columns) FROM snapshot WHERE id = ?", arguments: [snapshot.id])
        guard let row else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        try Self.insert(row, into: "snapshot", SnapshotRow.columns, in: db)
        let columns = "snapshot, \(StreamRow.columns), checksum"
        let streams = try Row.fetchCursor(
            source, sql: "SELECT \(columns) FROM snapshot_stream WHERE snapshot = ? ORDER BY id",
            arguments: [snapshot.id])
        while let row = try streams.next() { try Self.insert(row, into: "snapshot_stream", columns, in: db) }
    }

    private func copyTable(_ table: String, _ columns: String, from source: Database, to db: Database) throws {
        for row in try Row.fetchAll(source, sql: "SELECT \(columns) FROM \(table)") {
            try Self.insert(row, into: table, columns, in: db)
        }
    }

    private static func insert(_ row: Row, into table: String, _ columns: String, in db: Database) throws {
        let marks = row.databaseValues.map { _ in "?" }.joined(separator: ", ")
        let insert = try db.cachedStatement(sql: "INSERT INTO \(table) (\(columns)) VALUES (\(marks))")
        try insert.execute(arguments: StatementArguments(Array(row.databaseValues)))
    }
}

import GRDB

/// A row of the table `snapshot`: the name and expected contents of a snapshot.
struct SnapshotRow {
    var id: Int64
    var name: String
    var time: Int64
    /// The number of streams, and the sum of their checksums.
    var streams: StreamDigest.Sum
    var bytes: Int64
    /// The stored checksum.
    private(set) var stored: UInt64 = 0

    static let columns = "id, name, time, streams, bytes, sum, checksum"

    init(id: Int64, name: String, time: Int64) {
        (self.id, self.name, self.time, streams, bytes) = (id, name, time, StreamDigest.Sum(), 0)
    }

    /// - Parameter row: A row that has the ``columns``.
    init(_ row: Row) {
        (id, name, time, bytes) = (row.number(0), row.text(1), row.number(2), row.number(4))
        streams = StreamDigest.Sum(rows: row.number(3), checksums: UInt64(bitPattern: row.number(5)))
        stored = UInt64(bitPattern: row.number(6))
    }

    /// Returns the checksum of the row's contents.
    func checksum(_ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.snapshot)
        for number in [id, time, streams.rows, bytes, Int64(bitPattern: streams.checksums)] { checksum.add(number) }
        checksum.add(name)
        return checksum.end()
    }

    static func all(in db: Database) throws -> [SnapshotRow] {
        try Row.fetchAll(db, sql: "SELECT \(columns) FROM snapshot ORDER BY time, id").map { SnapshotRow($0) }
    }

    static func named(_ name: String, in db: Database) throws -> SnapshotRow? {
        try Row.fetchOne(db, sql: "SELECT \(columns) FROM snapshot WHERE name = ?", arguments: [name])
            .map { SnapshotRow($0) }
    }

    /// Creates a row for a snapshot that is not in the table yet. The number is random, so that the new snapshot never
    /// adopts the leftover streams of another snapshot.
    init(newNamed name: String, time: Int64) {
        self.init(id: Int64.random(in: 1 << 32..<1 << 62), name: name, time: time)
    }

    /// Inserts the row without a checksum; ``update(in:_:)`` adds one.
    func insert(in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO snapshot (id, name, time, streams, bytes) VALUES (?, ?, ?, 0, 0)",
            arguments: [id, name, time])
    }

    /// Writes the current values of the row, and their checksum.
    ///
    /// - Returns: The amount by which the sum of the table's checksums changes.
    mutating func update(in db: Database, _ checksum: inout Checksum) throws -> UInt64 {
        let value = self.checksum(&checksum)
        let change = value &- stored
        stored = value
        try db.execute(
            sql: "UPDATE snapshot SET streams = ?, bytes = ?, sum = ?, checksum = ? WHERE id = ?",
            arguments: [
                streams.rows, bytes, Int64(bitPattern: streams.checksums), Int64(bitPattern: value), id,
            ])
        return change
    }

    /// Writes the checksums of all rows, and of the streams of each snapshot.
    ///
    /// - Returns: The sum over the table `snapshot`.
    static func prove(in db: Database, _ checksum: inout Checksum) throws -> StreamDigest.Sum {
        var total = StreamDigest.Sum()
        for var row in try all(in: db) {
            row.streams = try proveStreams(of: row.id, in: db, &checksum)
            let change = try row.update(in: db, &checksum)
            total += StreamDigest.Sum(rows: 1, checksums: change)
        }
        return total
    }

    private static func proveStreams(
        of snapshot: Int64, in db: Database, _ checksum: inout Checksum
    ) throws -> StreamDigest.Sum {
        let select = try db.makeStatement(
            sql: """
                SELECT \(StreamRow.columns) FROM snapshot_stream WHERE snapshot = ? AND id > ? ORDER BY id LIMIT 4096
                """)
        let update = try db.makeStatement(sql: "UPDATE snapshot_stream SET checksum = ? WHERE snapshot = ? AND id = ?")
        var (sum, last) = (StreamDigest.Sum(), "")
        while true {
            var rows: [(id: String, checksum: UInt64)] = []
            try select.setArguments([snapshot, last])
            while try select.step(in: db) {
                rows.append((StreamRow.id(select, at: 1), StreamRow.checksum(ofSnapshot: snapshot, select, &checksum)))
            }
            for row in rows {
                try update.execute(arguments: [Int64(bitPattern: row.checksum), snapshot, row.id])
                sum += StreamDigest.Sum(rows: 1, checksums: row.checksum)
            }
            guard let end = rows.last else { return sum }
            last = end.id
        }
    }

    /// Checks whether the snapshot holds exactly its own streams, and whether each stream is as it was written.
    ///
    /// - Returns: The ids of the damaged streams, and whether the snapshot as a whole is complete and sound.
    func examine(in db: Database, _ checksum: inout Checksum) throws -> (damaged: [String], isWhole: Bool) {
        let select = try db.makeStatement(
            sql: "SELECT \(StreamRow.columns), checksum, snapshot FROM snapshot_stream WHERE snapshot = ? ORDER BY id")
        try select.setArguments([id])
        var (sum, damaged) = (StreamDigest.Sum(), [String]())
        while try select.step(in: db) {
            // Read the snapshot's number from the row, because SQLite trusts the order of a damaged table and may
            // return a row of another snapshot.
            let snapshot = select.int64(StreamRow.columnCount + 1)
            let value = StreamRow.checksum(ofSnapshot: snapshot, select, &checksum)
            sum += StreamDigest.Sum(rows: 1, checksums: value)
            if value != UInt64(bitPattern: select.int64(StreamRow.columnCount)) {
                damaged.append(StreamRow.id(select, at: 1))
            }
        }
        return (damaged, damaged.isEmpty && sum == streams)
    }
}

import GRDB

/// The migrations of the database. Never change a released migration; add a new one instead.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            // The state of a stream. It is valid only with the weights that the row refers to. Sequence numbers are
            // unsigned, but are stored as signed numbers with the same bits. The values are little-endian float32: the
            // state of each layer, followed by the last outputs.
            let state = """
                weights INTEGER NOT NULL REFERENCES weights(id),
                sequence INTEGER NOT NULL,
                step INTEGER NOT NULL,
                time INTEGER NOT NULL,
                label INTEGER,
                gap_pending INTEGER NOT NULL,
                "values" BLOB NOT NULL
                """
            try db.execute(
                sql: """
                    CREATE TABLE weights (
                        id INTEGER PRIMARY KEY,
                        fingerprint TEXT NOT NULL UNIQUE
                    );
                    -- The last checkpoint.
                    CREATE TABLE stream (
                        id TEXT NOT NULL PRIMARY KEY,
                        \(state)
                    ) WITHOUT ROWID;
                    CREATE TABLE snapshot (
                        id INTEGER PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        time INTEGER NOT NULL,
                        streams INTEGER NOT NULL,
                        bytes INTEGER NOT NULL
                    );
                    CREATE TABLE snapshot_stream (
                        snapshot INTEGER NOT NULL REFERENCES snapshot(id) ON DELETE CASCADE,
                        id TEXT NOT NULL,
                        \(state),
                        PRIMARY KEY (snapshot, id)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2") { db in
            // A stream's key is a small number, so that a checkpoint of many streams writes consecutive rows.
            // `position` is the position of the last journal record that the stream's state reflects. The table
            // `checkpoint` has the position of the last complete checkpoint; the journal is obsolete up to that
            // position. `weights` is not declared as a reference, because SQLite would look it up for each of a million
            // rows.
            try db.execute(
                sql: """
                    ALTER TABLE stream RENAME TO stream_1;
                    CREATE TABLE stream (
                        key INTEGER PRIMARY KEY,
                        weights INTEGER NOT NULL,
                        id TEXT NOT NULL,
                        sequence INTEGER NOT NULL,
                        step INTEGER NOT NULL,
                        time INTEGER NOT NULL,
                        label INTEGER,
                        gap_pending INTEGER NOT NULL,
                        position INTEGER NOT NULL,
                        "values" BLOB NOT NULL
                    );
                    INSERT INTO stream
                        SELECT row_number() OVER (ORDER BY id) - 1,
                            weights, id, sequence, step, time, label, gap_pending, 0, "values" FROM stream_1;
                    DROP TABLE stream_1;
                    CREATE TABLE checkpoint (position INTEGER NOT NULL);
                    INSERT INTO checkpoint VALUES (0);
                    """)
        }
        migrator.registerMigration("layouts") { db in
            // The state layout that belongs to a fingerprint. It shows whether the state can continue with other
            // weights.
            try db.execute(
                sql: """
                    CREATE TABLE layout (
                        fingerprint TEXT NOT NULL PRIMARY KEY,
                        layout TEXT NOT NULL
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration(proof) { try prove($0) }
        migrator.registerMigration("dictionaries") { db in
            // The ids of a dictionary, as `StreamDictionary.bytes`. Numbers grow in the order in which dictionaries are
            // stored.
            try db.execute(
                sql: """
                    CREATE TABLE dictionary (
                        number INTEGER PRIMARY KEY,
                        hash INTEGER NOT NULL UNIQUE,
                        ids BLOB NOT NULL
                    );
                    """)
        }
        return migrator
    }

    /// The migration that adds checksums to the database.
    static let proof = "proof"

    /// Gives each row a checksum. The migration is one transaction, so a crash leaves either the old version or the new
    /// one.
    private static func prove(_ db: Database) throws {
        // `digest` has the sums over the rows of `stream`, and `header` ties the tables together; see StreamDigest and
        // StoreHeader. A snapshot's `sum` is the sum of its streams' checksums.
        try db.execute(
            sql: """
                ALTER TABLE weights ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE layout ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE stream ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE snapshot_stream ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE snapshot ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE snapshot ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                CREATE TABLE digest (
                    bucket INTEGER PRIMARY KEY,
                    streams INTEGER NOT NULL,
                    sum INTEGER NOT NULL
                );
                CREATE TABLE header (
                    identity BLOB NOT NULL,
                    generation INTEGER NOT NULL,
                    is_sealed INTEGER NOT NULL,
                    position INTEGER NOT NULL,
                    streams INTEGER NOT NULL,
                    sum INTEGER NOT NULL,
                    snapshots INTEGER NOT NULL,
                    snapshot_sum INTEGER NOT NULL,
                    other_sum INTEGER NOT NULL,
                    checksum INTEGER NOT NULL
                );
                """)
        let position = UInt64(bitPattern: try Int64.fetchOne(db, sql: "SELECT position FROM checkpoint") ?? 0)
        var header = StoreHeader(identity: StateIdentity(), position: position)
        var checksum = Checksum(header.identity)
        header.others = try SmallTables.prove(in: db, &checksum)
        header.streams = try proveStreams(in: db, &checksum)
        header.snapshots = try SnapshotRow.prove(in: db, &checksum)
        try header.insert(in: db)
        try db.execute(sql: "DROP TABLE checkpoint")
    }

    /// The number of rows to read before their checksums are written. A row must not be written while a statement is
    /// positioned on it.
    private static let rowsAtATime = 4096

    private static func proveStreams(in db: Database, _ checksum: inout Checksum) throws -> StreamDigest.Sum {
        var digest = StreamDigest()
        let select = try db.makeStatement(
            sql: """
                SELECT key, position, \(StreamRow.columns) FROM stream WHERE key > ? ORDER BY key LIMIT \(rowsAtATime)
                """)
        let update = try db.makeStatement(sql: "UPDATE stream SET checksum = ? WHERE key = ?")
        var last: Int64 = -1
        while true {
            var rows: [(key: Int64, checksum: UInt64)] = []
            try select.setArguments([last])
            while try select.step(in: db) {
                rows.append((select.int64(0), StreamRow.checksumOfStream(select, &checksum)))
            }
            for row in rows {
                update.bind(Int64(bitPattern: row.checksum), at: 1)
                update.bind(row.key, at: 2)
                try update.run(in: db)
                digest.set(UInt32(truncatingIfNeeded: row.key), row.checksum)
            }
            guard let end = rows.last else { break }
            last = end.key
        }
        try digest.writeChanged(in: db)
        return digest.total
    }
}

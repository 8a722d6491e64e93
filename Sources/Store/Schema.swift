import GRDB

/// The database's tables, version by version. A version that has been released never changes; a new one is added.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            // One stream's state, which means nothing without the weights that it came from. Sequence numbers are
            // unsigned, kept by their bits; values are float32, little-endian: the state of each layer, then the last
            // outputs.
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
            // A stream's key is a small number, so that a checkpoint of many writes row after row. `position` is the
            // journal's record up to which the journal is in the state; `checkpoint` has that of the last whole checkpoint,
            // up to which the journal means nothing any more. `weights` is not declared as a reference, as SQLite would look
            // it up for each of a million rows.
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
            // What a state that belongs to a fingerprint is made of: whether other weights can go on with it.
            try db.execute(
                sql: """
                    CREATE TABLE layout (
                        fingerprint TEXT NOT NULL PRIMARY KEY,
                        layout TEXT NOT NULL
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}

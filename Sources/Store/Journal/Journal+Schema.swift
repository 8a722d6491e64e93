import GRDB

/// The journal's tables.
extension Journal {
    /// The migration that adds checksums to the journal.
    static let proof = "proof"

    /// Returns the migrations of the journal's tables.
    ///
    /// - Parameter identity: The identity of the state folder, for a journal that does not have one yet.
    /// - Returns: The migrations.
    static func migrator(_ identity: StateIdentity) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE weights (
                        number INTEGER PRIMARY KEY,
                        fingerprint TEXT NOT NULL,
                        rules TEXT NOT NULL,
                        UNIQUE (fingerprint, rules)
                    );
                    -- Records first to first + count - 1, as JournalRecords writes them.
                    CREATE TABLE batch (
                        first INTEGER PRIMARY KEY,
                        count INTEGER NOT NULL,
                        records BLOB NOT NULL
                    );
                    """)
        }
        migrator.registerMigration(proof) { db in
            // The column `previous` holds the checksum of the previous batch.
            try db.execute(
                sql: """
                    ALTER TABLE weights ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE batch ADD COLUMN previous INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE batch ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                    \(JournalHeader.table)
                    """)
            var checksum = Checksum(identity)
            for weights in try Weights.all(in: db) { try weights.prove(in: db, &checksum) }
            try prove(in: db, identity, &checksum)
        }
        // The tables stay as they are, but records may have kinds that an earlier version cannot read. The migration
        // makes such a version refuse the journal.
        migrator.registerMigration("messages") { _ in }
        return migrator
    }

    /// Adds checksums to the batches that an earlier version wrote. Each checksum also covers the previous batch's
    /// checksum, so the batches form a chain.
    private static func prove(in db: Database, _ identity: StateIdentity, _ checksum: inout Checksum) throws {
        var (proved, last): ([(batch: JournalBatch, checksum: UInt64)], JournalEnd) = ([], JournalEnd())
        let batches = try JournalBatch.select(in: db, isProved: false)
        while try batches.step(in: db) {
            let found = JournalBatch(batches)
            var batch = JournalBatch(first: found.first, count: found.count, previous: last.tail)
            batches.withBytes(2) { batch.prove($0, &checksum) }
            proved.append((batch, batch.checksum))
            last = JournalEnd(position: batch.last, tail: batch.checksum)
        }
        for (batch, checksum) in proved {
            try db.execute(
                sql: "UPDATE batch SET previous = ?, checksum = ? WHERE first = ?",
                arguments: [
                    Int64(bitPattern: batch.previous), Int64(bitPattern: checksum), Int64(bitPattern: batch.first),
                ])
        }
        let cutThrough = proved.first.map { $0.batch.first - 1 } ?? 0
        try JournalHeader(identity, end: last, cutThrough: cutThrough).insert(in: db)
    }
}

extension Journal.Weights {
    static func all(in db: Database) throws -> [Journal.Weights] {
        try Row.fetchAll(db, sql: "SELECT number, fingerprint, rules FROM weights ORDER BY number").map { row in
            Journal.Weights(number: Int(row.number(0)), fingerprint: row.text(1), rules: row.text(2))
        }
    }

    /// Returns the checksum of the row's contents.
    func checksum(_ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.journalWeights)
        checksum.add(Int64(number))
        checksum.add(fingerprint)
        checksum.add(rules)
        return checksum.end()
    }

    /// Inserts the row with its checksum.
    func insert(in db: Database, _ checksum: inout Checksum) throws {
        try db.execute(
            sql: "INSERT INTO weights (number, fingerprint, rules) VALUES (?, ?, ?)",
            arguments: [number, fingerprint, rules])
        try prove(in: db, &checksum)
    }

    /// Computes and stores the row's checksum.
    func prove(in db: Database, _ checksum: inout Checksum) throws {
        let value = self.checksum(&checksum)
        try db.execute(
            sql: "UPDATE weights SET checksum = ? WHERE number = ?", arguments: [Int64(bitPattern: value), number])
    }

    /// Returns all rows of the table; nil if any row differs from what was written.
    static func verified(in db: Database, _ checksum: inout Checksum) throws -> [Journal.Weights]? {
        let stored = try Row.fetchAll(db, sql: "SELECT checksum FROM weights ORDER BY number").map { $0.number(0) }
        let all = try all(in: db)
        let isSound = zip(all, stored).allSatisfy { Int64(bitPattern: $0.checksum(&checksum)) == $1 }
        return isSound ? all : nil
    }
}

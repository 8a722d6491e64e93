import GRDB

/// The tables `weights` and `layout`, which have one row for each model that has ever had streams.
enum SmallTables {
    /// Writes the checksum of each row.
    ///
    /// - Returns: The sum of the checksums.
    static func prove(in db: Database, _ checksum: inout Checksum) throws -> UInt64 {
        for row in try Row.fetchAll(db, sql: "SELECT id, fingerprint FROM weights") {
            let value = Self.checksum(ofWeights: row.number(0), fingerprint: row.text(1), &checksum)
            try db.execute(
                sql: "UPDATE weights SET checksum = ? WHERE id = ?",
                arguments: [Int64(bitPattern: value), row[0] as Int64])
        }
        for row in try Row.fetchAll(db, sql: "SELECT fingerprint, layout FROM layout") {
            let value = Self.checksum(ofLayout: row.text(0), row.text(1), &checksum)
            try db.execute(
                sql: "UPDATE layout SET checksum = ? WHERE fingerprint = ?",
                arguments: [Int64(bitPattern: value), row.text(0)])
        }
        guard let sum = try verifiedSum(in: db, &checksum) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return sum
    }

    /// Returns the sum of all checksums; nil if any row does not match its checksum.
    static func verifiedSum(in db: Database, _ checksum: inout Checksum) throws -> UInt64? {
        var sum: UInt64 = 0
        for row in try Row.fetchAll(db, sql: "SELECT id, fingerprint, checksum FROM weights") {
            let value = Self.checksum(ofWeights: row.number(0), fingerprint: row.text(1), &checksum)
            guard Int64(bitPattern: value) == row.number(2) else { return nil }
            sum &+= value
        }
        for row in try Row.fetchAll(db, sql: "SELECT fingerprint, layout, checksum FROM layout") {
            let value = Self.checksum(ofLayout: row.text(0), row.text(1), &checksum)
            guard Int64(bitPattern: value) == row.number(2) else { return nil }
            sum &+= value
        }
        return sum
    }

    static func checksum(ofWeights id: Int64, fingerprint: String, _ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.weights)
        checksum.add(id)
        checksum.add(fingerprint)
        return checksum.end()
    }

    static func checksum(ofLayout fingerprint: String, _ layout: String, _ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.layout)
        checksum.add(fingerprint)
        checksum.add(layout)
        return checksum.end()
    }

    /// Stores the state layout that belongs to a fingerprint.
    ///
    /// - Returns: Whether the table changed.
    static func keep(_ layout: String, of fingerprint: String, in db: Database, _ checksum: inout Checksum) throws
        -> Bool
    {
        let value = Int64(bitPattern: Self.checksum(ofLayout: fingerprint, layout, &checksum))
        let known = try Int64.fetchOne(
            db, sql: "SELECT checksum FROM layout WHERE fingerprint = ?", arguments: [fingerprint])
        guard known != value else { return false }
        try db.execute(
            sql: "INSERT OR REPLACE INTO layout (fingerprint, layout, checksum) VALUES (?, ?, ?)",
            arguments: [fingerprint, layout, value])
        return true
    }
}

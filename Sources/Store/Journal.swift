import Foundation
import GRDB
public import Streams

/// The journal: what changed streams since the last checkpoint, in an SQLite database of its own beside the state, so that
/// a long checkpoint never holds up a commit.
///
/// Records are numbered over the life of the state, from 1. One batch of records is one row and one transaction, and what
/// ``append(_:first:)`` has written when it returns survives a crash of the process, and with ``Sync/full`` of the machine
/// too. Safe to call from any thread; calls run one after another.
public final class Journal: Sendable {
    /// The name of the database within the state folder.
    public static let fileName = "journal.sqlite"

    /// When a commit is done; see <https://sqlite.org/pragma.html#pragma_synchronous>.
    public enum Sync: String, CaseIterable, Sendable {
        /// When the disk has it: it survives a power cut.
        case full
        /// When the operating system has it: it survives `kill -9`, but a power cut may take the last seconds.
        case normal
    }

    /// Weights and rules that records were made under, and the number that stands for them in records.
    public struct Weights: Equatable, Sendable {
        /// The number in records.
        public let number: Int
        /// SHA-256 over architecture and weights.
        public let fingerprint: String
        /// What else the records' effect hangs on; see `ServedModel.rules`.
        public let rules: String
    }

    /// Batches that are deleted in one transaction, so that no commit waits long for it.
    private static let batchesPerCut = 64

    private let database: OwnedDatabase

    /// Opens the journal of a state folder that is there, and creates it where it is not.
    ///
    /// - Parameters:
    ///   - folder: The state folder.
    ///   - sync: When a commit is done.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse` or `laterVersion`.
    public init(folder: String, sync: Sync = .full) throws(StoreError) {
        database = try OwnedDatabase(
            path: Self.path(in: folder), Self.migrator, pragmas: "PRAGMA synchronous = \(sync.rawValue)")
    }

    /// Whether a folder has a journal.
    public static func exists(in folder: String) -> Bool {
        FileManager.default.fileExists(atPath: path(in: folder))
    }

    private static func path(in folder: String) -> String { "\(folder)/\(fileName)" }

    private static var migrator: DatabaseMigrator {
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
        return migrator
    }

    /// All weights that records may have been made under.
    ///
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func weights() throws(StoreError) -> [Weights] {
        try database.read("read") { db in
            try Row.fetchAll(db, sql: "SELECT * FROM weights ORDER BY number").map { row in
                Weights(number: row["number"], fingerprint: row["fingerprint"], rules: row["rules"])
            }
        }
    }

    /// Notes weights that records will be made under, where they are not noted yet.
    ///
    /// - Parameter models: What is served.
    /// - Returns: The number that stands for each in records.
    /// - Throws: ``StoreError`` where they cannot be noted.
    public func numbers(of models: [ServedModel]) throws(StoreError) -> [UInt16] {
        try database.write("write to") { db in
            try models.map { model in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO weights (fingerprint, rules) VALUES (?, ?)",
                    arguments: [model.fingerprint, model.rules])
                let number = try UInt16.fetchOne(
                    db, sql: "SELECT number FROM weights WHERE fingerprint = ? AND rules = ?",
                    arguments: [model.fingerprint, model.rules])
                return number ?? 0
            }
        }
    }

    /// Adds records.
    ///
    /// - Parameters:
    ///   - records: At least one.
    ///   - first: The number of the first.
    /// - Throws: ``StoreError`` where none was added.
    public func append(_ records: JournalRecords, first: UInt64) throws(StoreError) {
        try database.write("write to") { db in
            let insert = try db.cachedStatement(sql: "INSERT INTO batch (first, count, records) VALUES (?, ?, ?)")
            insert.bind(Int64(bitPattern: first), at: 1)
            insert.bind(Int64(records.count), at: 2)
            unsafe insert.bind(blob: records.bytes.span.bytes, at: 3)
            try insert.run(in: db)
        }
    }

    /// The records after a position, batch by batch, as far as none is missing between them.
    ///
    /// - Parameters:
    ///   - position: The number of a record; 0: from the first.
    ///   - body: Called with a batch's records, and the number of its first, which may be at or before `position`.
    /// - Returns: The number of the last record that none is missing before, and of the last of all.
    /// - Throws: ``StoreError`` where the database cannot be read, and what `body` throws.
    public func forEachBatch(
        after position: UInt64, _ body: (UInt64, JournalRecords.Reader) throws -> Void
    ) throws -> (last: UInt64, end: UInt64) {
        try database.pass("read") { db in
            var last = position
            let rows = try Row.fetchCursor(
                db, sql: "SELECT first, count, records FROM batch WHERE first + count > ? ORDER BY first",
                arguments: [Int64(bitPattern: position) + 1])
            while let row = try rows.next() {
                let (first, count): (Int64, Int64) = (row["first"], row["count"])
                guard first <= Int64(bitPattern: last) + 1 else { break }
                let bytes: Data = row["records"]
                try body(UInt64(bitPattern: first), JournalRecords.Reader([UInt8](bytes)))
                last = UInt64(bitPattern: first + count - 1)
            }
            let end = try Int64.fetchOne(db, sql: "SELECT max(first + count - 1) FROM batch") ?? 0
            return (last, max(last, UInt64(max(0, end))))
        }
    }

    /// Deletes batches of which all records are up to a position; some at a time.
    ///
    /// - Parameter position: The number of a record.
    /// - Returns: Whether there may be more.
    /// - Throws: ``StoreError`` where none was deleted.
    public func cut(through position: UInt64) throws(StoreError) -> Bool {
        try database.write("cut") { db in
            try db.execute(
                sql: """
                    DELETE FROM batch WHERE first IN (
                        SELECT first FROM batch WHERE first + count <= ? ORDER BY first LIMIT ?)
                    """,
                arguments: [Int64(bitPattern: position) + 1, Self.batchesPerCut])
            return db.changesCount == Self.batchesPerCut
        }
    }

    /// Writes something and takes it back, to see whether the disk takes records again.
    ///
    /// - Throws: ``StoreError`` where it does not.
    public func probe() throws(StoreError) {
        // Below all records, and of no records: it is not read, and the next cut deletes it.
        try database.write("write to") { db in
            try db.execute(sql: "INSERT OR REPLACE INTO batch (first, count, records) VALUES (-1, 0, zeroblob(65536))")
        }
    }
}

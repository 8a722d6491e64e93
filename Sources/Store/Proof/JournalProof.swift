import Foundation
import GRDB

/// The position of a journal's last record, and the checksum of the batch that contains the record. The checksum also
/// covers all earlier batches.
struct JournalEnd: Equatable {
    /// The position of the record; 0 if there is no record yet.
    var position: UInt64 = 0
    var tail: UInt64 = 0
}

/// One row of the table `batch`, without its records.
struct JournalBatch {
    /// The position of the first record.
    let first: UInt64
    let count: Int
    /// The checksum of the previous batch.
    let previous: UInt64
    private(set) var checksum: UInt64 = 0

    init(first: UInt64, count: Int, previous: UInt64) {
        (self.first, self.count, self.previous) = (first, count, previous)
    }

    /// The position of the last record.
    var last: UInt64 { first &+ UInt64(max(0, count)) &- 1 }

    mutating func prove(_ records: RawSpan, _ checksum: inout Checksum) {
        checksum.begin(.journalBatch)
        for number in [first, UInt64(count), previous] { checksum.add(number) }
        checksum.add(records)
        self.checksum = checksum.end()
    }

    /// Selects all batches in order. The row that ``Journal/probe()`` writes is left out.
    static func select(in db: Database, isProved: Bool) throws -> Statement {
        let proof = isProved ? "previous, checksum" : "0, 0"
        return try db.makeStatement(
            sql: "SELECT first, count, records, \(proof) FROM batch WHERE first >= 0 ORDER BY first")
    }

    /// - Parameter statement: A statement that is positioned on the row.
    init(_ statement: Statement) {
        self.init(
            first: UInt64(bitPattern: statement.int64(0)), count: Int(statement.int64(1)),
            previous: UInt64(bitPattern: statement.int64(3)))
        checksum = UInt64(bitPattern: statement.int64(4))
    }
}

/// The single row of the journal's table `header`, which ties the journal to the store's database. The row is written
/// at the end of a checkpoint, not with each commit.
struct JournalHeader: Equatable {
    let identity: StateIdentity
    /// The store's generation when the row was written.
    var generation: UInt64
    /// The end of the journal when the row was written.
    var end: JournalEnd
    /// The position up to which batches may have been deleted.
    var cutThrough: UInt64

    init(_ identity: StateIdentity, generation: UInt64 = 0, end: JournalEnd = JournalEnd(), cutThrough: UInt64 = 0) {
        (self.identity, self.generation, self.end, self.cutThrough) = (identity, generation, end, cutThrough)
    }

    private static let columns = "identity, generation, last, tail, cut_through, checksum"

    static let table = """
        CREATE TABLE header (
            identity BLOB NOT NULL,
            generation INTEGER NOT NULL,
            last INTEGER NOT NULL,
            tail INTEGER NOT NULL,
            cut_through INTEGER NOT NULL,
            checksum INTEGER NOT NULL
        );
        """

    /// Reads the row.
    ///
    /// - Returns: The header; nil if the row is missing or damaged, or belongs to another state.
    init?(_ db: Database, _ expected: StateIdentity) throws {
        let rows = try Row.fetchAll(db, sql: "SELECT \(Self.columns) FROM header")
        guard rows.count == 1, let row = rows.first,
            Data.fromDatabaseValue(row[0] as DatabaseValue) == Data(expected.bytes)
        else { return nil }
        guard let numbers = row.numbers(1...5) else { return nil }
        self.init(
            expected, generation: numbers[0], end: JournalEnd(position: numbers[1], tail: numbers[2]),
            cutThrough: numbers[3])
        guard numbers[4] == checksum else { return nil }
    }

    private var numbers: [UInt64] { [generation, end.position, end.tail, cutThrough] }

    private var checksum: UInt64 { Checksum.of(.journalHeader, numbers, identity) }

    func insert(in db: Database) throws {
        let values = (numbers + [checksum]).map { Int64(bitPattern: $0) }
        try db.execute(
            sql: "INSERT INTO header (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [Data(identity.bytes)] + StatementArguments(values))
    }

    func update(in db: Database) throws {
        let values = (numbers + [checksum]).map { Int64(bitPattern: $0) }
        try db.execute(
            sql: "UPDATE header SET (generation, last, tail, cut_through, checksum) = (?, ?, ?, ?, ?)",
            arguments: StatementArguments(values))
    }

    /// Throws if the journal does not match the database and the seal in the same folder.
    ///
    /// - Parameters:
    ///   - seal: The seal.
    ///   - position: The position of the last journal record that the store reflects.
    ///   - storeGeneration: The store's generation.
    ///   - place: The name of the journal in errors.
    /// - Throws: ``StoreError`` with the code `damaged`.
    func compare(
        with seal: Seal, position: UInt64, generation storeGeneration: UInt64, _ place: String
    ) throws(StoreError) {
        guard generation >= seal.journalGeneration else {
            throw .damage(
                place,
                "is older than the rest of the folder, or has lost its end: it has the generation \(generation), and the "
                    + "seal knows of \(seal.journalGeneration)")
        }
        guard generation <= storeGeneration, cutThrough <= position else {
            throw .damage(
                place,
                "is newer than \(StateStore.fileName): it has the generation \(generation), and the database has "
                    + "\(storeGeneration)")
        }
    }
}

/// Examines the batches of a journal while they are read. Each batch must match what was written, and none may be
/// missing.
struct JournalExamination {
    private let header: JournalHeader
    private let place: String
    private var checksum: Checksum
    private var last: JournalEnd?

    init(_ header: JournalHeader, _ place: String) {
        self.header = header
        self.place = place
        checksum = Checksum(header.identity)
    }

    /// Examines the next batch.
    ///
    /// - Parameters:
    ///   - batch: The batch.
    ///   - statement: A statement that is positioned on the batch's row. Column 2 holds the records.
    /// - Throws: ``StoreError`` with the code `damaged`.
    mutating func add(_ batch: JournalBatch, _ statement: Statement) throws(StoreError) {
        var proved = batch
        statement.withBytes(2) { proved.prove($0, &checksum) }
        guard batch.count > 0, proved.checksum == batch.checksum else {
            throw .damage(place, "is damaged: its records \(batch.first) to \(batch.last) are not as they were written")
        }
        if let last {
            guard batch.first > last.position, batch.previous == last.tail else { throw missing(after: last.position) }
            // The header names the batch that was the last one when the header was written. That batch must exist,
            // unless it has been deleted since.
            if last.position <= header.end.position, batch.first > header.end.position, last != header.end {
                throw missing(after: last.position)
            }
        } else if batch.first > header.cutThrough + 1 {
            guard batch.first > header.end.position, batch.previous == header.end.tail else {
                throw missing(after: header.cutThrough)
            }
        }
        last = JournalEnd(position: batch.last, tail: batch.checksum)
    }

    /// Ends the examination.
    ///
    /// - Parameter seal: The seal, which states how far the journal must reach; nil if there is no seal.
    /// - Returns: The end of the journal.
    /// - Throws: ``StoreError`` with the code `damaged`.
    func finish(_ seal: Seal?) throws(StoreError) -> JournalEnd {
        let end = last ?? header.end
        guard end.position >= header.end.position, last != nil || header.end.position <= header.cutThrough else {
            throw missing(after: last?.position ?? header.cutThrough)
        }
        guard let seal, seal.journalKind != .none else { return end }
        guard end.position >= seal.journalEnd else { throw missing(after: end.position) }
        guard !seal.isOrderly || end == JournalEnd(position: seal.journalEnd, tail: seal.journalTail) else {
            throw .damage(
                place,
                "is not as the daemon left it when it stopped: it ends with the record \(end.position), and did with "
                    + "\(seal.journalEnd)")
        }
        return end
    }

    /// Examines all batches, and returns the end of the journal.
    ///
    /// - Throws: ``StoreError`` with the code `damaged`.
    consuming func all(in db: Database, _ seal: Seal? = nil) throws -> JournalEnd {
        let batches = try JournalBatch.select(in: db, isProved: true)
        while try batches.step(in: db) { try add(JournalBatch(batches), batches) }
        return try finish(seal)
    }

    private func missing(after position: UInt64) -> StoreError {
        .damage(place, "is damaged: records after \(position) are missing or of another journal")
    }
}

import Foundation
import GRDB
public import Streams
import Synchronization

/// The journal: what changed streams since the last checkpoint, in an SQLite database of its own beside the state, so that
/// a long checkpoint never holds up a commit.
///
/// Records are numbered over the life of the state, from 1. One batch of records is one row and one transaction, and what
/// ``append(_:first:)`` has written when it returns survives a crash of the process, and with ``Sync/full`` of the machine
/// too. Safe to call from any thread; calls run one after another.
///
/// Each batch has a checksum that the checksum of the batch before is part of, so that a batch that is damaged, missing or of
/// another journal is noticed, and ``JournalHeader`` ties the journal to the database of streams.
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

        /// Weights of a model, and their number.
        public init(number: Int, fingerprint: String, rules: String) {
            (self.number, self.fingerprint, self.rules) = (number, fingerprint, rules)
        }
    }

    /// Batches that are deleted in one transaction, so that no commit waits long for it.
    private static let batchesPerCut = 64

    /// What is known of the journal beside its batches. Changed within the database's transactions alone.
    private struct Content {
        /// As the database has it; nil before it is there.
        var header: JournalHeader?
        var end = JournalEnd()
        /// All batches were found to be as they were written.
        var isExamined = false
    }

    private let database: OwnedDatabase
    private let seal: SealKeeper
    private let content: Mutex<Content>

    /// Opens the journal of a state folder, and creates it where it is missing. What is there is written only from
    /// ``beginWriting()`` on.
    ///
    /// - Parameters:
    ///   - folder: The state folder.
    ///   - sync: When a commit is done.
    ///   - store: The store of the same folder.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse`, `laterVersion` or `damaged`.
    public init(folder: String, sync: Sync = .full, of store: StateStore) throws(StoreError) {
        let path = Self.path(in: folder)
        seal = store.seal
        let seal = store.seal.seal
        let isSealed = store.content.withLock { $0.header.isSealed }
        if isSealed { try Self.requireFiles(path, seal) }
        database = try OwnedDatabase(path: path, pragmas: "PRAGMA synchronous = \(sync.rawValue)")
        let versions = try database.versions(Self.migrator(seal.identity))
        content = Mutex(Content())
        guard versions.contains(Self.proof) else {
            guard !isSealed || (versions.isEmpty && seal.journalKind == .none) else {
                throw .damage(database.place, "is older than the rest of the folder: an earlier version wrote it")
            }
            if !versions.isEmpty { try database.checkPages() }
            return
        }
        let header = try database.read("read") { try JournalHeader($0, seal.identity) }
        guard let header else {
            throw .damage(
                database.place, "is damaged, or of another state: its table 'header' is not as it was written")
        }
        if isSealed {
            try header.compare(with: seal, position: store.position, generation: store.generation, database.place)
        }
        content.withLock { $0.header = header }
        try database.checkPages()
    }

    /// Refuses a folder whose journal is missing though the seal knows of one: SQLite would make a new one.
    private static func requireFiles(_ path: String, _ seal: Seal) throws(StoreError) {
        let (size, log) = (StateFolder.size(of: path) ?? 0, StateFolder.size(of: path + "-wal") ?? 0)
        guard size > 0 || (seal.journalKind == .none && log == 0) else { throw .damage(path, "is missing or empty") }
        // After a crash the log has the last records; it goes only when the daemon stops in order.
        guard seal.journalKind == .none || seal.isOrderly || log > 0 else {
            throw .damage(path + "-wal", "is missing or empty, and may have had the last records")
        }
    }

    /// Refuses a journal of a folder of an earlier version whose pages do not fit together.
    static func checkPages(in folder: String) throws(StoreError) {
        try OwnedDatabase(path: path(in: folder)).checkPages()
    }

    /// Whether a folder has a journal.
    public static func exists(in folder: String) -> Bool {
        FileManager.default.fileExists(atPath: path(in: folder))
    }

    private static func path(in folder: String) -> String { "\(folder)/\(fileName)" }

    /// Has the journal written from here on, and brings it up to the present version.
    func beginWriting() throws(StoreError) {
        let identity = seal.seal.identity
        let place = database.place
        try database.beginWriting(Self.migrator(identity))
        guard !content.withLock({ $0.isExamined }) else { return }
        let (header, end) = try database.read("read") { db in
            let header = try JournalHeader(db, identity)
            return (header, try header.map { try JournalExamination($0, place).all(in: db) })
        }
        guard let header, let end else { throw .damage(database.place, "is damaged: its table 'header' is") }
        content.withLock { $0 = Content(header: header, end: end, isExamined: true) }
    }

    /// Has the write-ahead log moved into the database when the database is closed.
    func foldLogOnClose() { database.foldLogOnClose() }

    /// The last record, and the checksum of its batch.
    var end: JournalEnd { content.withLock { $0.end } }

    /// Notes the generation of the store in the journal, durably whatever ``Sync`` says, and then in the seal that the journal
    /// has it.
    ///
    /// - Parameter position: The number of a record up to which the store needs none of the journal.
    /// - Throws: ``StoreError`` where that may not be durable.
    func mark(through position: UInt64 = 0) throws(StoreError) {
        var header: JournalHeader?
        try database.write("write to", .forDisk) { db in
            header = try mark(through: position, in: db)
        }
        if let header { try noteMark(header) }
    }

    private func mark(through position: UInt64, in db: Database) throws -> JournalHeader? {
        let (before, end) = content.withLock { ($0.header, $0.end) }
        guard var header = before else { return nil }
        header.generation = max(header.generation, seal.seal.generation)
        header.end = end
        header.cutThrough = max(header.cutThrough, position)
        guard header != before else { return nil }
        try header.update(in: db)
        return header
    }

    private func noteMark(_ header: JournalHeader) throws(StoreError) {
        content.withLock { $0.header = header }
        try seal.update { seal in
            seal.journalGeneration = header.generation
            (seal.journalEnd, seal.journalTail) = (header.end.position, header.end.tail)
        }
    }

    /// All weights that records may have been made under.
    ///
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func weights() throws(StoreError) -> [Weights] {
        let (isProved, identity) = (content.withLock { $0.header != nil }, seal.seal.identity)
        let weights = try database.read("read") { db -> [Weights]? in
            var checksum = Checksum(identity)
            if isProved { return try Weights.verified(in: db, &checksum) }
            return try db.tableExists("weights") ? Weights.all(in: db) : []
        }
        guard let weights else {
            throw .damage(database.place, "is damaged: its table 'weights' is not as it was written")
        }
        return weights
    }

    /// Notes weights that records will be made under, where they are not noted yet.
    ///
    /// - Parameter models: What is served.
    /// - Returns: The number that stands for each in records.
    /// - Throws: ``StoreError`` where they cannot be noted.
    public func numbers(of models: [ServedModel]) throws(StoreError) -> [UInt16] {
        let identity = seal.seal.identity
        return try database.write("write to") { db in
            var checksum = Checksum(identity)
            return try models.map { model in
                if let number = try UInt16.fetchOne(
                    db, sql: "SELECT number FROM weights WHERE fingerprint = ? AND rules = ?",
                    arguments: [model.fingerprint, model.rules])
                {
                    return number
                }
                let last = try Int.fetchOne(db, sql: "SELECT max(number) FROM weights") ?? 0
                let weights = Weights(number: last + 1, fingerprint: model.fingerprint, rules: model.rules)
                try weights.insert(in: db, &checksum)
                return UInt16(weights.number)
            }
        }
    }

    /// Notes weights under the numbers that they have in another journal.
    ///
    /// - Parameter weights: What this journal, which is new, is to know.
    /// - Throws: ``StoreError`` where they cannot be noted.
    public func adopt(_ weights: [Weights]) throws(StoreError) {
        let identity = seal.seal.identity
        try database.write("write to") { db in
            var checksum = Checksum(identity)
            for weights in weights { try weights.insert(in: db, &checksum) }
        }
    }

    /// Adds records.
    ///
    /// - Parameters:
    ///   - records: At least one.
    ///   - first: The number of the first.
    /// - Throws: ``StoreError`` where none was added.
    public func append(_ records: JournalRecords, first: UInt64) throws(StoreError) {
        var batch = JournalBatch(first: first, count: records.count, previous: end.tail)
        var checksum = Checksum(seal.seal.identity)
        unsafe batch.prove(records.bytes.span.bytes, &checksum)
        try database.write("write to") { db in
            let insert = try db.cachedStatement(
                sql: "INSERT INTO batch (first, count, records, previous, checksum) VALUES (?, ?, ?, ?, ?)")
            insert.bind(Int64(bitPattern: first), at: 1)
            insert.bind(Int64(records.count), at: 2)
            unsafe insert.bind(blob: records.bytes.span.bytes, at: 3)
            insert.bind(Int64(bitPattern: batch.previous), at: 4)
            insert.bind(Int64(bitPattern: batch.checksum), at: 5)
            try insert.run(in: db)
        }
        content.withLock { $0.end = JournalEnd(position: batch.last, tail: batch.checksum) }
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
            let header = content.withLock { $0.header }
            // A journal that is new, or of an earlier version, is brought up to this one when it is written.
            guard try header != nil || db.tableExists("batch") else { return (position, position) }
            var examination = header.map { JournalExamination($0, database.place) }
            var (last, hasGap) = (position, false)
            let batches = try JournalBatch.select(in: db, isProved: header != nil)
            while try batches.step(in: db) {
                let batch = JournalBatch(batches)
                try examination?.add(batch, batches)
                guard batch.last > position, !hasGap else { continue }
                // What comes after missing records is examined, and not used.
                hasGap = batch.first > last + 1
                guard !hasGap else { continue }
                var bytes: [UInt8] = []
                batches.withBytes(2) { span in
                    unsafe span.withUnsafeBytes { unsafe bytes = Array($0) }
                }
                try body(batch.first, JournalRecords.Reader(bytes))
                last = batch.last
            }
            let end = try examination?.finish(seal.seal)
            if let end { content.withLock { ($0.end, $0.isExamined) = (end, true) } }
            let stored = UInt64(max(0, try Int64.fetchOne(db, sql: "SELECT max(first + count - 1) FROM batch") ?? 0))
            return (last, max(last, stored))
        }
    }

    /// Deletes batches of which all records are up to a position; some at a time.
    ///
    /// - Parameter position: The number of a record.
    /// - Returns: Whether there may be more.
    /// - Throws: ``StoreError`` where none was deleted.
    public func cut(through position: UInt64) throws(StoreError) -> Bool {
        let isMark = content.withLock { content in
            content.header.map { $0.generation < seal.seal.generation || $0.cutThrough < position } ?? false
        }
        var marked: JournalHeader?
        let hasMore = try database.write("cut", isMark ? .forDisk : .asOpened) { db in
            try db.execute(
                sql: """
                    DELETE FROM batch WHERE first IN (
                        SELECT first FROM batch WHERE first + count <= ? ORDER BY first LIMIT ?)
                    """,
                arguments: [Int64(bitPattern: position) + 1, Self.batchesPerCut])
            let hasMore = db.changesCount == Self.batchesPerCut
            if isMark { marked = try mark(through: position, in: db) }
            return hasMore
        }
        if let marked { try noteMark(marked) }
        return hasMore
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

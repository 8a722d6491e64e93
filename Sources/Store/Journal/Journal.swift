import Foundation
import GRDB
public import Streams
import Synchronization

/// The journal of all changes to streams since the last checkpoint. The journal and the state are separate SQLite
/// databases, so that a long checkpoint never delays a commit.
///
/// Records are numbered from 1 over the life of the state. A batch of records is written as one row, in one
/// transaction. Once ``append(_:first:)`` returns, the batch survives a crash of the process; with ``Sync/full``, it
/// also survives a crash of the machine. A journal can be used from any thread; its calls run one at a time.
///
/// The checksum of each batch also covers the checksum of the previous batch. This chain reveals a batch that is
/// damaged, missing, or from another journal. ``JournalHeader`` ties the journal to the store's database.
public final class Journal: Sendable {
    /// The name of the database within the state folder.
    public static let fileName = "journal.sqlite"

    /// The durability of a commit; see <https://sqlite.org/pragma.html#pragma_synchronous>.
    public enum Sync: String, CaseIterable, Sendable {
        /// A commit waits for the disk, so it survives a power cut.
        case full
        /// A commit waits only for the operating system. It survives `kill -9`, but a power cut may lose the last few
        /// seconds.
        case normal
    }

    /// The weights and rules that were in effect when records were made. Records refer to the pair by number.
    public struct Weights: Equatable, Sendable {
        /// The number by which records refer to these weights and rules.
        public let number: Int
        /// The SHA-256 of the architecture and weights.
        public let fingerprint: String
        /// Everything else that determines the effect of a record; see `ServedModel.rules`.
        public let rules: String

        /// Creates an entry. Each parameter sets the property of the same name.
        public init(number: Int, fingerprint: String, rules: String) {
            (self.number, self.fingerprint, self.rules) = (number, fingerprint, rules)
        }
    }

    /// The maximum number of batches to delete in one transaction. The limit keeps commits from waiting long for a
    /// deletion.
    private static let batchesPerCut = 64

    /// The state of the journal, except for its batches.
    private struct Content {
        /// The header in the database; nil if there is none yet.
        var header: JournalHeader?
        var end = JournalEnd()
        /// Whether all batches have been checked and found to be intact.
        var isExamined = false
    }

    private let database: OwnedDatabase
    private let seal: SealKeeper
    private let content: Mutex<Content>

    /// Opens the journal of a state folder, or creates it if it does not exist. An existing journal is not changed
    /// before ``beginWriting()``.
    ///
    /// - Parameters:
    ///   - folder: The state folder.
    ///   - sync: The durability of a commit.
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

    /// Throws if the journal is missing although the seal expects one. Without this check, SQLite would simply create a
    /// new journal.
    private static func requireFiles(_ path: String, _ seal: Seal) throws(StoreError) {
        let (size, log) = (StateFolder.size(of: path) ?? 0, StateFolder.size(of: path + "-wal") ?? 0)
        guard size > 0 || (seal.journalKind == .none && log == 0) else { throw .damage(path, "is missing or empty") }
        // After a crash, the log file holds the last records. Only an orderly stop removes this file.
        guard seal.journalKind == .none || seal.isOrderly || log > 0 else {
            throw .damage(path + "-wal", "is missing or empty, and may have had the last records")
        }
    }

    /// Checks the pages of a journal that an earlier version wrote, and throws if they are inconsistent.
    static func checkPages(in folder: String) throws(StoreError) {
        try OwnedDatabase(path: path(in: folder)).checkPages()
    }

    /// Whether a folder has a journal.
    public static func exists(in folder: String) -> Bool {
        FileManager.default.fileExists(atPath: path(in: folder))
    }

    private static func path(in folder: String) -> String { "\(folder)/\(fileName)" }

    /// Migrates the journal to the current version and makes it writable.
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

    /// Makes SQLite move the write-ahead log into the database when it closes the database.
    func foldLogOnClose() { database.foldLogOnClose() }

    /// The position of the last record, and the checksum of its batch.
    var end: JournalEnd { content.withLock { $0.end } }

    /// Records the store's generation in the journal, durably even with ``Sync/normal``. Then records in the seal that
    /// the journal has reached that generation.
    ///
    /// - Parameter position: The position up to which the store no longer needs the journal's records.
    /// - Throws: ``StoreError`` if the generation may not be durable.
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

    /// Returns all weights that records may refer to.
    ///
    /// - Throws: ``StoreError`` if the database cannot be read.
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

    /// Registers the weights that new records will refer to. Weights that are already known keep their numbers.
    ///
    /// - Parameter models: The served models.
    /// - Returns: For each model, the number by which records refer to its weights.
    /// - Throws: ``StoreError`` if the weights cannot be registered.
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

    /// Registers weights under the numbers that they have in another journal.
    ///
    /// - Parameter weights: The weights and their numbers. This journal must be new.
    /// - Throws: ``StoreError`` if the weights cannot be registered.
    public func adopt(_ weights: [Weights]) throws(StoreError) {
        let identity = seal.seal.identity
        try database.write("write to") { db in
            var checksum = Checksum(identity)
            for weights in weights { try weights.insert(in: db, &checksum) }
        }
    }

    /// Appends a batch of records.
    ///
    /// - Parameters:
    ///   - records: One or more records.
    ///   - first: The position of the first record.
    /// - Throws: ``StoreError`` if no record was appended.
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

    /// Reads the records after a position, batch by batch, up to the first missing record.
    ///
    /// - Parameters:
    ///   - position: The position of a record; 0 to begin with the first record.
    ///   - body: A closure that receives the position of a batch's first record, and the batch's records. The first
    ///     record may be at or before `position`.
    /// - Returns: The position of the last record before the first missing one, and the position of the journal's last
    ///   record.
    /// - Throws: ``StoreError`` if the database cannot be read, and any error that `body` throws.
    public func forEachBatch(
        after position: UInt64, _ body: (UInt64, JournalRecords.Reader) throws -> Void
    ) throws -> (last: UInt64, end: UInt64) {
        try database.pass("read") { db in
            let header = content.withLock { $0.header }
            // A journal that is new, or that an earlier version wrote, has no header until it is first written to.
            guard try header != nil || db.tableExists("batch") else { return (position, position) }
            var examination = header.map { JournalExamination($0, database.place) }
            var (last, hasGap) = (position, false)
            let batches = try JournalBatch.select(in: db, isProved: header != nil)
            while try batches.step(in: db) {
                let batch = JournalBatch(batches)
                try examination?.add(batch, batches)
                guard batch.last > position, !hasGap else { continue }
                // Batches that follow missing records are examined but not used.
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

    /// Deletes batches whose records are all at or before a position. One call deletes only a limited number.
    ///
    /// - Parameter position: The position of a record.
    /// - Returns: Whether there may be more batches to delete.
    /// - Throws: ``StoreError`` if no batch was deleted.
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

    /// Tests whether the disk accepts records again, by writing a row that contains no records.
    ///
    /// - Throws: ``StoreError`` if the row cannot be written.
    public func probe() throws(StoreError) {
        // The row comes before all records. Readers skip it, and the next cut deletes it.
        try database.write("write to") { db in
            try db.execute(sql: "INSERT OR REPLACE INTO batch (first, count, records) VALUES (-1, 0, zeroblob(65536))")
        }
    }
}

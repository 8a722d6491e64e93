import GRDB
import Synchronization
import Wire

/// What proves that the store is as it was written, and what each change does for that.
extension StateStore {
    // MARK: - Opening

    /// Refuses a folder whose database is missing: SQLite would make a new one, and delete the log of the old one.
    static func requireDatabase(in folder: String) throws(StoreError) {
        let path = "\(folder)/\(fileName)"
        guard (StateFolder.size(of: path) ?? 0) == 0 else { return }
        for other in [
            SealFile(folder: folder).path, path + "-wal", "\(folder)/\(Journal.fileName)",
            "\(folder)/\(Journal.fileName)-wal", "\(folder)/\(StateSalvage.rebuiltFileName)",
        ] where (StateFolder.size(of: other) ?? 0) > 0 {
            throw .damage(path, "is missing or empty, but \(other) is there")
        }
    }

    /// Makes the tables of a new database, or brings those of an earlier version up to this one.
    static func bringUp(
        _ database: OwnedDatabase, isNew: Bool, folder: String?, _ seal: Seal?
    ) throws(StoreError) {
        if let seal {
            throw .damage(
                database.place,
                "is older than the rest of the folder: it does not have the generation \(seal.generation) of the seal")
        }
        if !isNew {
            try database.checkPages()
            // The journal too, before the one of the two is written.
            if let folder, Journal.exists(in: folder) { try Journal.checkPages(in: folder) }
        }
        try database.beginWriting(Schema.migrator)
    }

    /// Refuses a database that is not of the generation that the seal knows of.
    static func compare(
        _ header: StoreHeader, with seal: Seal?, _ file: SealFile, _ place: String
    ) throws(StoreError) {
        guard let seal else {
            guard header.isSealed else { return }
            throw .damage(file.path, "is missing, so that nothing shows whether \(place) is the last one")
        }
        guard seal.identity == header.identity else {
            throw .damage(
                place, "is of another state (identity \(header.identity)) than \(file.path) (\(seal.identity))")
        }
        guard header.isSealed else { return }
        guard header.generation >= seal.generation else {
            throw .damage(
                place,
                "is older than the rest of the folder, or has lost its end: it has the generation \(header.generation), "
                    + "and \(file.path) knows of \(seal.generation)")
        }
        guard header.generation <= seal.generation + 1 else {
            throw .damage(
                file.path,
                "is older than \(place): it knows of the generation \(seal.generation), and the database has "
                    + "\(header.generation)")
        }
    }

    /// Examines all that ``forEachSlice(_:)`` does not: the pages, the snapshots and the small tables.
    ///
    /// - Throws: ``StoreError`` with the code `damaged`.
    public func examineRest() throws(StoreError) {
        try database.checkPages()
        let place = database.place
        try database.read("read") { db in
            let header = content.withLock { $0.header }
            var checksum = Checksum(header.identity)
            guard try SmallTables.verifiedSum(in: db, &checksum) == header.others else {
                throw StoreError.damage(
                    place, "is damaged: its tables 'weights' and 'layout' are not as they were written")
            }
            var sum = StreamDigest.Sum()
            for row in try SnapshotRow.all(in: db) {
                guard row.checksum(&checksum) == row.stored, try SnapshotRow.named(row.name, in: db)?.id == row.id
                else {
                    throw StoreError.damage(place, "is damaged: its entry of the snapshot '\(row.name)' is")
                }
                let (damaged, isWhole) = try row.examine(in: db, &checksum)
                guard isWhole else {
                    let streams = damaged.isEmpty ? "some of its streams are missing or older" : named(damaged)
                    throw StoreError.damage(place, "is damaged in the snapshot '\(row.name)': \(streams)")
                }
                sum += StreamDigest.Sum(rows: 1, checksums: row.stored)
            }
            guard sum == header.snapshots else {
                throw StoreError.damage(place, "is damaged: snapshots are missing or older")
            }
        }
    }

    /// Whether the folder must have a journal.
    public var expectsJournal: Bool { seal.seal.journalKind != .none }

    /// Whether the journal was written before the database, each time, until the last run ended.
    public var journalWasWhole: Bool {
        seal.seal.journalKind == .full && content.withLock { $0.header.isSealed }
    }

    /// The damage of a journal that has less than the streams here.
    ///
    /// - Parameters:
    ///   - journalEnd: The last record of the journal.
    ///   - streams: The last record that is in the streams here.
    /// - Returns: What to refuse the folder with.
    public func journalIsBehind(journalEnd: UInt64, streams: UInt64) -> StoreError {
        let place = database.place.dropLast(Self.fileName.count) + Journal.fileName
        return .damage(
            String(place),
            "is older than the rest of the folder, or has lost its end: it ends with the record \(journalEnd), and "
                + "\(Self.fileName) has the streams up to \(streams)")
    }

    // MARK: - Changing

    /// Has the folder written from here on, after all of it was examined; what was not is examined now.
    ///
    /// - Parameters:
    ///   - journal: The folder's journal, if it has one.
    ///   - kind: How the journal is kept from here on.
    ///   - isWhole: Whether the journal has all that the database has; if not, ``noteJournal(isWhole:)`` says when it has.
    /// - Throws: ``StoreError`` where the folder cannot be written, or `damaged`.
    public func begin(
        _ journal: Journal? = nil, journalKind kind: Seal.JournalKind = .none, isWhole: Bool = true
    ) throws(StoreError) {
        let (isVerified, isBegun) = content.withLock { ($0.isVerified, $0.isBegun) }
        guard !isBegun else { return }
        if !isVerified {
            do {
                try forEachSlice { _ in }
            } catch {
                throw StoreError(error, doing: "read the streams of", place: database.place, otherwise: .failed)
            }
            try examineRest()
        }
        try database.beginWriting(Schema.migrator)
        let isSealed = content.withLock { $0.header.isSealed }
        // In this order: a database is sealed only once the journal and the seal are there, so that a crash before leaves what
        // the next start completes.
        try journal?.beginWriting()
        if !isSealed { try seal.create() }
        if let file = seal.file {
            StateFolder.makePrivate(file.path)
            StateRenewal.removePart(of: database.place)
        }
        content.withLock { content in
            (content.isBegun, content.journal) = (true, journal)
            content.journalKind = journal == nil ? .none : kind
        }
        try change("write to") { _, content in content.header.isSealed = true }
        try seal.catchUp()
        try journal?.mark()
        try seal.update { seal in
            seal.journalKind = journal == nil ? .none : isWhole ? kind : .failed
            seal.isOrderly = false
        }
    }

    /// Notes whether the journal can be written: that it cannot, before the database is told of what the journal lacks.
    ///
    /// - Parameter isWhole: Whether the journal has all that the database has.
    /// - Throws: ``StoreError`` where that may not be durable.
    public func noteJournal(isWhole: Bool) throws(StoreError) {
        let (isBegun, kept) = content.withLock { ($0.isBegun, $0.journalKind) }
        let kind: Seal.JournalKind = isWhole || kept == .none ? kept : .failed
        guard isBegun, seal.seal.journalKind != kind else { return }
        try seal.update { $0.journalKind = kind }
    }

    /// Notes that the daemon stops in order and that nothing comes after this.
    ///
    /// - Throws: ``StoreError`` where that may not be durable.
    public func end() throws(StoreError) {
        let (isBegun, journal) = content.withLock { ($0.isBegun, $0.journal) }
        guard isBegun else { return }
        try seal.catchUp()
        let end = journal?.end
        try seal.update { seal in
            seal.isOrderly = true
            if let end { (seal.journalEnd, seal.journalTail) = (end.position, end.tail) }
        }
        database.foldLogOnClose()
        journal?.foldLogOnClose()
    }

    /// One transaction that changes rows, the digest and the header together.
    ///
    /// - Parameters:
    ///   - operation: What is done, as an error says it.
    ///   - isDurable: Whether the generation is raised, and the disk is waited for.
    ///   - body: What to do.
    /// - Throws: ``StoreError`` where nothing was written.
    func change(
        _ operation: String, isDurable: Bool = true, _ body: (Database, inout Content) throws -> Void
    ) throws(StoreError) {
        try begin()
        if isDurable { try seal.catchUp() }
        let before = content.withLock { $0.header }
        do {
            try database.write(operation, isDurable ? .forDisk : .notForDisk) { db in
                try content.withLock { content in
                    try body(db, &content)
                    try content.digest.writeChanged(in: db)
                    content.header.streams = content.digest.total
                    if isDurable { content.header.generation += 1 }
                    if content.header != before { try content.header.update(in: db) }
                }
            }
        } catch {
            content.withLock { content in
                content.digest.rollBack()
                content.header = before
            }
            throw error
        }
        let generation = content.withLock { content in
            content.digest.commit()
            return content.header.generation
        }
        // The database has it. Where the seal cannot be written, it is a generation behind, which a start takes for a crash
        // between the two; the next durable transaction is refused until the seal can be written.
        if isDurable { try? seal.update { $0.generation = generation } }
    }
}

extension StateStore.Content {
    /// Takes the sum of the small tables anew.
    mutating func addOthers(in db: Database) throws {
        guard let sum = try SmallTables.verifiedSum(in: db, &checksum) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table 'weights' is not as it was written")
        }
        header.others = sum
    }
}

/// The rows of `stream`, as they are read: whether each is as it was written, and none is missing.
struct StreamExamination {
    private let header: StoreHeader
    private var checksum: Checksum
    private var digest = StreamDigest()
    /// The ids of rows that are damaged.
    private(set) var damaged: [String] = []
    private var lastKey: Int64 = -1

    init(_ header: StoreHeader) {
        self.header = header
        checksum = Checksum(header.identity)
    }

    /// Examines a row.
    ///
    /// - Parameter select: Stands on the row: key, position, ``StreamRow/columns``, checksum.
    /// - Returns: Whether this row and all before are as they were written.
    mutating func add(_ select: Statement) -> Bool {
        let value = StreamRow.checksumOfStream(select, &checksum)
        let key = select.int64(0)
        if value == UInt64(bitPattern: select.int64(2 + StreamRow.columnCount)), key > lastKey {
            digest.load(UInt32(truncatingIfNeeded: key), value)
            lastKey = key
        } else {
            damaged.append(StreamRow.id(select, at: 3))
        }
        return damaged.isEmpty
    }

    /// Ends the examination.
    ///
    /// - Returns: The checksums of the rows.
    /// - Throws: ``StoreError`` with the code `damaged`.
    consuming func finish(_ db: Database, _ place: String) throws -> StreamDigest {
        guard damaged.isEmpty else { throw StoreError.damage(place, "is damaged: \(named(damaged))") }
        guard digest.total == header.streams, digest.bucketsThatDiffer(from: try StreamDigest.stored(in: db)).isEmpty
        else {
            throw StoreError.damage(
                place,
                "is damaged: \(header.streams.rows) streams were written, and not all are there as they were written "
                    + "last (\(digest.total.rows) found)")
        }
        return digest
    }
}

/// The first few of some streams, for an error.
func named(_ ids: [String]) -> String {
    let first = ids.prefix(3).map { VisibleText.quoted($0) }.joined(separator: ", ")
    let others = ids.count - min(3, ids.count)
    return "stream\(ids.count == 1 ? "" : "s") \(first)" + (others > 0 ? " and \(others) more" : "")
        + (ids.count == 1 ? " is" : " are") + " not as written"
}

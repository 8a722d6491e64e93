import GRDB
import Synchronization
import Wire

/// Proves, when the daemon starts, that the store is as it was last written, and updates the checksums with each
/// change.
extension StateStore {
    // MARK: - Opening

    /// Throws if the database is missing although other files show that there was one. Without this check, SQLite would
    /// create a new database and delete the log of the old one.
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

    /// Creates the tables of a new database, or migrates the tables of an earlier version.
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
            // Examine the journal too, before either the database or the journal is written.
            if let folder, Journal.exists(in: folder) { try Journal.checkPages(in: folder) }
        }
        try database.beginWriting(Schema.migrator)
    }

    /// Throws if the database does not match the seal.
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
        guard header.generation >= seal.generation else {
            throw .damage(
                place,
                "is older than the rest of the folder, or has lost its end: it has the generation \(header.generation), "
                    + "and \(file.path) knows of \(seal.generation)")
        }
        // While the database is unsealed, nothing updates the seal. The seal's generation may therefore be older than
        // the database's.
        guard header.isSealed else { return }
        guard header.generation <= seal.generation + 1 else {
            throw .damage(
                file.path,
                "is older than \(place): it knows of the generation \(seal.generation), and the database has "
                    + "\(header.generation)")
        }
    }

    /// Examines everything that ``forEachSlice(_:)`` leaves out: the pages, the snapshots and the small tables.
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

    /// Whether every change, up to the end of the last run, was written to the journal before it was written to the
    /// database.
    public var journalWasWhole: Bool {
        seal.seal.journalKind == .full && content.withLock { $0.header.isSealed }
    }

    /// Returns the error for a journal that ends before the last record that the stored streams reflect.
    ///
    /// - Parameters:
    ///   - journalEnd: The position of the journal's last record.
    ///   - streams: The position of the last record that the stored streams reflect.
    /// - Returns: The error.
    public func journalIsBehind(journalEnd: UInt64, streams: UInt64) -> StoreError {
        let place = database.place.dropLast(Self.fileName.count) + Journal.fileName
        return .damage(
            String(place),
            "is older than the rest of the folder, or has lost its end: it ends with the record \(journalEnd), and "
                + "\(Self.fileName) has the streams up to \(streams)")
    }

    // MARK: - Changing

    /// Makes the folder writable. Anything that has not been examined yet is examined first.
    ///
    /// - Parameters:
    ///   - journal: The folder's journal, if it has one.
    ///   - kind: The state of the journal from now on.
    ///   - isWhole: Whether the journal has every change that the database has. If the journal lacks some, call
    ///     ``noteJournal(isWhole:)`` once it has them all.
    /// - Throws: ``StoreError`` if the folder is damaged or cannot be written.
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
        // The order matters. The database is sealed only after the journal and the seal exist. If the daemon crashes
        // before that, the next start can complete the work.
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

    /// Records whether the journal has every change. If the journal cannot be written, call this before the database
    /// receives changes that the journal lacks.
    ///
    /// - Parameter isWhole: Whether the journal has every change that the database has.
    /// - Throws: ``StoreError`` if the seal may not be durable.
    public func noteJournal(isWhole: Bool) throws(StoreError) {
        let (isBegun, kept) = content.withLock { ($0.isBegun, $0.journalKind) }
        let kind: Seal.JournalKind = isWhole || kept == .none ? kept : .failed
        guard isBegun, seal.seal.journalKind != kind else { return }
        try seal.update { $0.journalKind = kind }
    }

    /// Records that the daemon is stopping in an orderly way and will write nothing more.
    ///
    /// - Throws: ``StoreError`` if the seal may not be durable.
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

    /// Changes rows, the digest and the header together in one transaction.
    ///
    /// - Parameters:
    ///   - operation: A verb for errors, as in "cannot … the database".
    ///   - isDurable: Whether to raise the generation and wait for the disk.
    ///   - body: A closure that makes the change.
    /// - Throws: ``StoreError`` if nothing was written.
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
        // The database has already been written. If writing the seal fails now, the seal is one generation behind, as
        // it is after a crash between the two writes. The next durable transaction then fails until the seal can be
        // written.
        if isDurable { try? seal.update { $0.generation = generation } }
    }
}

extension StateStore.Content {
    /// Recomputes the sum over the small tables.
    mutating func addOthers(in db: Database) throws {
        guard let sum = try SmallTables.verifiedSum(in: db, &checksum) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table 'weights' is not as it was written")
        }
        header.others = sum
    }
}

/// Examines the rows of the table `stream` while they are read. Each row must match what was written, and none may be
/// missing.
struct StreamExamination {
    private let header: StoreHeader
    private var checksum: Checksum
    private var digest = StreamDigest()
    /// The ids of the damaged streams.
    private(set) var damaged: [String] = []
    private var lastKey: Int64 = -1

    init(_ header: StoreHeader) {
        self.header = header
        checksum = Checksum(header.identity)
    }

    /// Examines a row.
    ///
    /// - Parameter select: A statement that is positioned on the row. Its columns are key, position,
    ///   ``StreamRow/columns`` and checksum.
    /// - Returns: Whether all rows so far match what was written.
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

/// Returns a phrase that names the first few damaged streams, for an error.
func named(_ ids: [String]) -> String {
    let first = ids.prefix(3).map { VisibleText.quoted($0) }.joined(separator: ", ")
    let others = ids.count - min(3, ids.count)
    return "stream\(ids.count == 1 ? "" : "s") \(first)" + (others > 0 ? " and \(others) more" : "")
        + (ids.count == 1 ? " is" : " are") + " not as written"
}

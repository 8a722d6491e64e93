import GRDB
import Glibc

/// Repairs a damaged state folder. The damaged files are moved to a separate folder within it, so that a daemon can
/// start with the rest.
///
/// Nothing is deleted. If a salvage crashes, the daemon refuses to start with the folder until another salvage finishes
/// the work. No file is moved before the new database is complete and named ``rebuiltFileName``.
public struct StateSalvage: Sendable {
    /// The name of a new database that is complete but not in place yet.
    static let rebuiltFileName = StateStore.fileName + ".rebuilt"

    private var setAside: SetAsideFolder
    /// The path of the folder to which the damaged files were moved.
    public var place: String { setAside.path }
    /// The names of the files that were moved.
    public var files: [String] { setAside.files }
    /// The number of streams that were kept; nil until it is known.
    public private(set) var kept: Int?
    /// The number of streams that were set aside; nil if unknown.
    public private(set) var lost: Int?
    /// The names of the snapshots that were set aside.
    public private(set) var lostSnapshots: [String] = []
    /// The generation of the kept database if the seal was missing or damaged; otherwise nil. Without the seal, nothing
    /// proves that this generation is the last one.
    public private(set) var unprovedGeneration: UInt64?

    private let folder: String
    private var path: String { "\(folder)/\(StateStore.fileName)" }
    private var rebuilt: String { "\(folder)/\(Self.rebuiltFileName)" }
    private var journal: String { "\(folder)/\(Journal.fileName)" }

    /// Sets damaged files aside.
    ///
    /// - Parameters:
    ///   - folder: The state folder, which no store may have open.
    ///   - time: Seconds since the Unix epoch, for the name of the new folder.
    ///   - all: Whether to set aside all files, even sound ones.
    /// - Throws: ``StoreError`` if a file cannot be moved, or if the state folder is in use.
    public init(of folder: String, time: Int64, all: Bool = false) throws(StoreError) {
        self.folder = folder
        setAside = try SetAsideFolder(in: folder, named: "damaged", time: time)
        let sealFile = SealFile(folder: folder)
        let seal = try Self.usableSeal(sealFile)
        let found = try all ? nil : usableHeader(seal)
        let resumed = try all || seal != nil ? nil : interruptedRebuild(found)
        guard let header = resumed ?? found else {
            try moveAll()
            return
        }
        if seal == nil, resumed == nil { unprovedGeneration = header.generation }
        let known = seal.flatMap { header.generation <= $0.generation + 1 ? $0 : nil }
        let end = try soundJournalEnd(header, known, database: resumed == nil ? path : rebuilt)
        let isRebuilt: Bool = if resumed != nil { true } else { try rebuildWhereDamaged(header) }
        // Move the seal first. A daemon refuses to start with a sealed database that has no seal, so a crash at any
        // later point is noticed.
        try move([SealFile.fileName])
        if end == nil { try move([Journal.fileName, Journal.fileName + "-wal"]) }
        if isRebuilt {
            try move([StateStore.fileName, StateStore.fileName + "-wal"])
            try rename(rebuilt, to: path)
        }
        var next = Seal(header.identity)
        next.generation = header.generation
        next.serial = seal?.serial ?? 0
        next.time = seal?.time ?? 0
        if let end {
            next.journalKind = known?.journalKind ?? .failed
            (next.journalEnd, next.journalTail) = (end.position, end.tail)
            next.isOrderly = (StateFolder.size(of: journal + "-wal") ?? 0) == 0
        }
        try sealFile.create(&next)
    }

    // MARK: - The database

    /// Returns the header of the database; nil if the database is unreadable, or if the seal or the journal shows that
    /// a later version of the database existed.
    private func usableHeader(_ seal: Seal?) throws(StoreError) -> StoreHeader? {
        guard let header = try header(of: path) else { return nil }
        guard let seal else { return try journalIsNewer(than: header) ? nil : header }
        return seal.identity == header.identity && header.generation >= seal.generation ? header : nil
    }

    /// Returns the header of a database; nil if the database is missing or unreadable.
    private func header(of path: String) throws(StoreError) -> StoreHeader? {
        guard (StateFolder.size(of: path) ?? 0) > 0 else { return nil }
        return try Self.unlessDamaged { () throws(StoreError) in
            try OwnedDatabase(path: path).read("read") { try StoreHeader($0) }
        }
    }

    /// Whether the journal proves that the database is an outdated version.
    private func journalIsNewer(than header: StoreHeader) throws(StoreError) -> Bool {
        guard (StateFolder.size(of: journal) ?? 0) > 0 else { return false }
        let found = try Self.unlessDamaged { () throws(StoreError) in
            try OwnedDatabase(path: journal).read("read") { try JournalHeader($0, header.identity) }
        }
        return found.map { $0.generation > header.generation || $0.cutThrough > header.position } ?? false
    }

    /// Finds the new database of an earlier salvage that was interrupted after it had begun to move files.
    ///
    /// - Parameter damaged: The header of the database now in place, if there is one.
    /// - Returns: The header of the new database; nil if there is none, or if the database now in place is newer.
    /// - Throws: ``StoreError`` if the new database is in use.
    private mutating func interruptedRebuild(_ damaged: StoreHeader?) throws(StoreError) -> StoreHeader? {
        guard let header = try header(of: rebuilt) else { return nil }
        if let damaged {
            guard damaged.identity == header.identity, damaged.generation <= header.generation else { return nil }
        }
        kept = Int(header.streams.rows)
        return header
    }

    /// If the database is damaged, builds a new one from the sound rows. The new database is named ``rebuiltFileName``
    /// once it is complete.
    ///
    /// - Returns: Whether a database was built. False if the old one is sound.
    private mutating func rebuildWhereDamaged(_ header: StoreHeader) throws(StoreError) -> Bool {
        let database = try OwnedDatabase(path: path)
        // Read without a transaction, because SQLite refuses to end a transaction in which it found a damaged page.
        let rows = try Self.unlessDamaged { () throws(StoreError) in
            try database.use("read") { try $0.unsafeRead { try SoundRows($0, header) } }
        }
        let sound = rows ?? SoundRows()
        (kept, lost) = (sound.keys.count, Int(header.streams.rows) - sound.keys.count)
        let pages: Void? = try Self.unlessDamaged { () throws(StoreError) in try database.checkPages() }
        if pages != nil, lost == 0, sound.isComplete { return false }
        let new = path + ".part"
        for file in [new, new + "-wal", rebuilt] { _ = unsafe unlink(file) }
        let copied = try copy(sound, of: database, to: new, header)
        lostSnapshots = copied.lostSnapshots
        (kept, lost) = (copied.streams, Int(header.streams.rows) - copied.streams)
        guard (StateFolder.size(of: new + "-wal") ?? 0) == 0 else {
            throw StoreError(.failed, "cannot write \(new): its write-ahead log is not empty")
        }
        try rename(new, to: rebuilt)
        return true
    }

    /// Copies the rows into a new database. When this method returns, the database is complete and on the disk.
    private func copy(
        _ rows: SoundRows, of database: OwnedDatabase, to path: String, _ header: StoreHeader
    ) throws(StoreError) -> (streams: Int, lostSnapshots: [String]) {
        let copy = try OwnedDatabase(path: path)
        try copy.beginWriting(Schema.migrator)
        defer { copy.foldLogOnClose() }
        return try database.use("read") { source in
            try source.unsafeRead { source in
                try copy.use("write to") { copy in try copy.write { try rows.copy(from: source, to: $0, header) } }
            }
        }
    }

    // MARK: - The journal

    /// Returns the end of the journal; nil if the journal is missing or damaged, or belongs to another database.
    private func soundJournalEnd(
        _ header: StoreHeader, _ seal: Seal?, database: String
    ) throws(StoreError) -> JournalEnd? {
        let log = StateFolder.size(of: journal + "-wal") ?? 0
        guard (StateFolder.size(of: journal) ?? 0) > 0 else { return nil }
        if let seal, seal.journalKind != .none, !seal.isOrderly, log == 0 { return nil }
        let loaded =
            (try? OwnedDatabase(path: database).read("read") { db in
                try Int64.fetchOne(db, sql: "SELECT max(position) FROM stream")
            }) ?? 0
        let end = try Self.unlessDamaged { () throws(StoreError) in
            let database = try OwnedDatabase(path: journal)
            try database.checkPages()
            return try database.read("read") { db -> JournalEnd? in
                guard let found = try JournalHeader(db, header.identity) else { return nil }
                try found.compare(
                    with: seal ?? Seal(header.identity), position: header.position, generation: header.generation,
                    database.place)
                var checksum = Checksum(header.identity)
                guard try Journal.Weights.verified(in: db, &checksum) != nil else { return nil }
                return try JournalExamination(found, database.place).all(in: db, seal)
            }
        }
        guard let end, let seal, seal.journalKind == .full else { return end ?? nil }
        return max(end.position, header.position) >= UInt64(bitPattern: loaded) ? end : nil
    }

    /// Runs a closure that reads possibly damaged contents.
    ///
    /// - Returns: The contents; nil if they are damaged or SQLite cannot read them.
    private static func unlessDamaged<Value>(
        _ read: () throws(StoreError) -> Value?
    ) throws(StoreError) -> Value? {
        do throws(StoreError) {
            return try read()
        } catch {
            guard error.code == .damaged || error.code == .failed else { throw error }
            return nil
        }
    }

    private static func usableSeal(_ file: SealFile) throws(StoreError) -> Seal? {
        try unlessDamaged { () throws(StoreError) in try file.read()?.seal }
    }

    // MARK: - Moving

    private mutating func moveAll() throws(StoreError) {
        try move(StateExamination.files)
        kept = 0
    }

    private mutating func move(_ names: [String]) throws(StoreError) { try setAside.take(names) }

    /// Renames a file within the folder, and makes the new name durable.
    private func rename(_ file: String, to path: String) throws(StoreError) {
        guard unsafe Glibc.rename(file, path) == 0 else {
            throw StoreError(.failed, "cannot rename \(file) to \(path): \(StateFolder.systemError)")
        }
        try StateFolder.sync(folder)
    }
}

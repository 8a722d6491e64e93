import GRDB
import Glibc

/// A damaged state folder: what is damaged goes into a folder of its own within it, and the rest is left so that a start goes on
/// with it.
///
/// Nothing is deleted. A crash on the way leaves a folder that is refused, and that the next call finishes: the new database
/// gets its name only once it is whole, and nothing is moved before.
public struct StateSalvage: Sendable {
    /// The name of a new database that is whole but not in place yet.
    static let rebuiltFileName = StateStore.fileName + ".rebuilt"

    private var setAside: SetAsideFolder
    /// Where the damaged files are now.
    public var place: String { setAside.path }
    /// The files there.
    public var files: [String] { setAside.files }
    /// Streams that go on; nil: all that the database has.
    public private(set) var kept: Int?
    /// Streams that were set aside; nil: not known.
    public private(set) var lost: Int?
    /// The snapshots that were set aside.
    public private(set) var lostSnapshots: [String] = []
    /// The generation of the database that goes on, where nothing shows whether a later one was written: the seal was missing or
    /// damaged.
    public private(set) var unprovedGeneration: UInt64?

    private let folder: String
    private var path: String { "\(folder)/\(StateStore.fileName)" }
    private var rebuilt: String { "\(folder)/\(Self.rebuiltFileName)" }
    private var journal: String { "\(folder)/\(Journal.fileName)" }

    /// Sets aside what is damaged.
    ///
    /// - Parameters:
    ///   - folder: The state folder, which no store has open.
    ///   - time: Seconds since the Unix epoch, for the name of the folder.
    ///   - all: Whether to set everything aside.
    /// - Throws: ``StoreError`` where a file cannot be moved, or the folder is in use.
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
        // The seal goes first: without it a database that is sealed is refused, whatever is done so far.
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

    /// The database's header, where the database is the last one as far as anything shows.
    private func usableHeader(_ seal: Seal?) throws(StoreError) -> StoreHeader? {
        guard let header = try header(of: path) else { return nil }
        guard let seal else { return try journalIsNewer(than: header) ? nil : header }
        return seal.identity == header.identity && header.generation >= seal.generation ? header : nil
    }

    /// The header of a database; nil where the database is missing or cannot be read.
    private func header(of path: String) throws(StoreError) -> StoreHeader? {
        guard (StateFolder.size(of: path) ?? 0) > 0 else { return nil }
        return try Self.unlessDamaged { () throws(StoreError) in
            try OwnedDatabase(path: path).read("read") { try StoreHeader($0) }
        }
    }

    /// Whether the journal shows that the database is an older one.
    private func journalIsNewer(than header: StoreHeader) throws(StoreError) -> Bool {
        guard (StateFolder.size(of: journal) ?? 0) > 0 else { return false }
        let found = try Self.unlessDamaged { () throws(StoreError) in
            try OwnedDatabase(path: journal).read("read") { try JournalHeader($0, header.identity) }
        }
        return found.map { $0.generation > header.generation || $0.cutThrough > header.position } ?? false
    }

    /// The new database of an earlier call that was interrupted once it had begun to move files.
    ///
    /// - Parameter damaged: The header of the database in place, if it is there.
    /// - Returns: The header of the new database; nil where there is none, or a later database is in place.
    /// - Throws: ``StoreError`` where the new database is in use.
    private mutating func interruptedRebuild(_ damaged: StoreHeader?) throws(StoreError) -> StoreHeader? {
        guard let header = try header(of: rebuilt) else { return nil }
        if let damaged {
            guard damaged.identity == header.identity, damaged.generation <= header.generation else { return nil }
        }
        kept = Int(header.streams.rows)
        return header
    }

    /// Makes a database of what is sound, if not all is, and gives it its name once it is whole.
    ///
    /// - Returns: Whether it was made; false: the database is sound.
    private mutating func rebuildWhereDamaged(_ header: StoreHeader) throws(StoreError) -> Bool {
        let database = try OwnedDatabase(path: path)
        // Without a transaction: SQLite refuses to end one in which it found a damaged page.
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

    /// Copies rows into a new database, which is whole on the disk when this returns.
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

    /// The end of the journal; nil where there is none, or where it is damaged or does not belong to the database.
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

    /// Reads something that may be damaged.
    ///
    /// - Returns: The contents; nil where they are damaged, or SQLite cannot read them.
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

    /// Gives a file another name in the folder, durably.
    private func rename(_ file: String, to path: String) throws(StoreError) {
        guard unsafe Glibc.rename(file, path) == 0 else {
            throw StoreError(.failed, "cannot rename \(file) to \(path): \(StateFolder.systemError)")
        }
        try StateFolder.sync(folder)
    }
}

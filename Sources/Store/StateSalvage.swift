import GRDB
import Glibc

/// A damaged state folder: what is damaged goes into a folder of its own within it, and the rest is left so that a start goes on
/// with it.
///
/// Nothing is deleted. A crash on the way leaves a folder that is refused, or set aside further.
public struct StateSalvage: Sendable {
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

    private let folder: String
    private var path: String { "\(folder)/\(StateStore.fileName)" }
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
        let seal: Seal?
        do throws(StoreError) {
            seal = try sealFile.read()?.seal
        } catch {
            guard error.code == .damaged else { throw error }
            seal = nil
        }
        guard !all, let header = try usableHeader(seal) else {
            try moveAll()
            return
        }
        let known = seal.flatMap { header.generation <= $0.generation + 1 ? $0 : nil }
        let end = try soundJournalEnd(header, known)
        let rebuilt = try rebuildWhereDamaged(header)
        // The seal goes first: without it a database that is sealed is refused, whatever is done so far.
        try move([SealFile.fileName])
        if end == nil { try move([Journal.fileName, Journal.fileName + "-wal"]) }
        if let rebuilt {
            try move([StateStore.fileName, StateStore.fileName + "-wal"])
            guard unsafe rename(rebuilt, path) == 0 else { throw setAside.failure("rename", rebuilt) }
            try StateFolder.sync(folder)
        }
        var next = Seal(header.identity)
        next.generation = header.generation
        next.serial = seal?.serial ?? 0
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
        guard (StateFolder.size(of: path) ?? 0) > 0 else { return nil }
        let header: StoreHeader?
        do throws(StoreError) {
            header = try OwnedDatabase(path: path).read("read") { try StoreHeader($0) }
        } catch {
            guard error.code == .damaged || error.code == .failed else { throw error }
            return nil
        }
        guard let header, let seal else { return header }
        return seal.identity == header.identity && header.generation >= seal.generation ? header : nil
    }

    /// Makes a database of what is sound, if not all is.
    ///
    /// - Returns: Its path; nil where the database is sound.
    private mutating func rebuildWhereDamaged(_ header: StoreHeader) throws(StoreError) -> String? {
        let database = try OwnedDatabase(path: path)
        let rows: SoundRows
        do throws(StoreError) {
            rows = try database.read("read") { try SoundRows($0, header) }
        } catch {
            guard error.code == .damaged || error.code == .failed else { throw error }
            rows = SoundRows()
        }
        (kept, lost) = (rows.keys.count, Int(header.streams.rows) - rows.keys.count)
        let pages = Result { () throws(StoreError) in try database.checkPages() }
        if case .success = pages, lost == 0, rows.isComplete { return nil }
        let new = path + ".rebuilt"
        for file in [new, new + "-wal"] { _ = unsafe unlink(file) }
        let copy = try OwnedDatabase(path: new)
        try copy.beginWriting(Schema.migrator)
        let lostSnapshots = try database.use("read") { source in
            try source.read { source in
                try copy.use("write to") { copy in try copy.write { try rows.copy(from: source, to: $0, header) } }
            }
        }
        self.lostSnapshots = lostSnapshots
        copy.foldLogOnClose()
        return new
    }

    // MARK: - The journal

    /// The end of the journal; nil where there is none, or where it is damaged or does not belong to the database.
    private func soundJournalEnd(_ header: StoreHeader, _ seal: Seal?) throws(StoreError) -> JournalEnd? {
        let log = StateFolder.size(of: journal + "-wal") ?? 0
        guard (StateFolder.size(of: journal) ?? 0) > 0 else { return nil }
        if let seal, seal.journalKind != .none, !seal.isOrderly, log == 0 { return nil }
        let loaded =
            (try? OwnedDatabase(path: path).read("read") { db in
                try Int64.fetchOne(db, sql: "SELECT max(position) FROM stream")
            }) ?? 0
        do throws(StoreError) {
            let database = try OwnedDatabase(path: journal)
            try database.checkPages()
            let end = try database.read("read") { db -> JournalEnd? in
                guard let found = try JournalHeader(db, header.identity) else { return nil }
                try found.compare(
                    with: seal ?? Seal(header.identity), position: header.position, generation: header.generation,
                    database.place)
                var checksum = Checksum(header.identity)
                guard try Journal.Weights.verified(in: db, &checksum) != nil else { return nil }
                return try JournalExamination(found, database.place).all(in: db, seal)
            }
            guard let end, let seal, seal.journalKind == .full else { return end }
            return max(end.position, header.position) >= UInt64(bitPattern: loaded) ? end : nil
        } catch {
            guard error.code == .damaged || error.code == .failed else { throw error }
            return nil
        }
    }

    private mutating func moveAll() throws(StoreError) {
        try move(StateExamination.files)
        kept = 0
    }

    private mutating func move(_ names: [String]) throws(StoreError) { try setAside.take(names) }
}

import Glibc

/// The result of examining a state folder: whether the folder is sound, and what it contains.
///
/// When the daemon starts, it examines its folder in the same steps.
public struct StateExamination: Codable, Equatable, Sendable {
    /// A snapshot in the folder.
    public struct Snapshot: Codable, Equatable, Sendable {
        /// The snapshot's name.
        public let name: String
        /// The number of streams in the snapshot.
        public let streams: Int
    }

    /// The damage found, as one line per file; empty if the folder is sound.
    public private(set) var damages: [String] = []
    /// The folder's identity; nil if the database cannot be read.
    public private(set) var identity: String?
    /// The generation of the database: the number of its last durable transaction.
    public private(set) var generation: UInt64?
    /// The time of the last seal, in nanoseconds since the Unix epoch.
    public private(set) var time: Int64?
    /// The number of streams in the last checkpoint.
    public private(set) var streams = 0
    /// The snapshots, oldest first.
    public private(set) var snapshots: [Snapshot] = []
    /// The number of journal records after the last checkpoint; nil if there is no journal.
    public private(set) var journalRecords: UInt64?

    /// Whether no damage was found.
    public var isSound: Bool { damages.isEmpty }

    private enum CodingKeys: String, CodingKey {
        case damages, identity, generation, time, streams, snapshots
        case journalRecords = "journal_records"
    }

    /// Examines a copy of a state folder. If an earlier version wrote the folder, the copy is migrated to the current
    /// version.
    ///
    /// - Parameters:
    ///   - folder: The copy.
    ///   - original: The folder that was copied. Messages about damage name this folder, not the copy.
    /// - Throws: ``StoreError`` if the folder cannot be read for a reason other than damage.
    public init(ofCopy folder: String, of original: String) throws(StoreError) {
        try examine(folder)
        damages = damages.map { $0.replacing(folder, with: original) }
    }

    private mutating func examine(_ folder: String) throws(StoreError) {
        guard let store = try noting({ () throws(StoreError) in try StateStore(folder: folder) }) else { return }
        identity = "\(store.seal.seal.identity)"
        (generation, time) = (store.generation, store.lastTime)
        var (loaded, count) = (store.position, 0)
        let isRead: Void? = try noting { () throws(StoreError) in
            do {
                try store.forEachSlice { slice in
                    count += slice.entries.count
                    for entry in slice.entries { loaded = max(loaded, entry.position) }
                }
                try store.examineRest()
            } catch {
                throw StoreError(error, doing: "read", place: store.database.place, otherwise: .failed)
            }
        }
        streams = count
        if isRead != nil {
            snapshots = try store.snapshots().map { Snapshot(name: $0.name, streams: $0.streams) }
        }
        try examineJournal(in: folder, store, loaded: loaded)
    }

    private mutating func examineJournal(in folder: String, _ store: StateStore, loaded: UInt64) throws(StoreError) {
        guard store.expectsJournal || Journal.exists(in: folder) else { return }
        var last: UInt64?
        _ = try noting { () throws(StoreError) in
            let journal = try Journal(folder: folder, of: store)
            _ = try journal.weights()
            do {
                last = try journal.forEachBatch(after: store.position) { _, _ in }.last
            } catch {
                throw StoreError(error, doing: "read", place: "\(folder)/\(Journal.fileName)", otherwise: .failed)
            }
        }
        guard let last else { return }
        journalRecords = last - store.position
        if last < loaded, store.journalWasWhole {
            damages.append(store.journalIsBehind(journalEnd: last, streams: loaded).problem)
        }
    }

    /// Runs a closure. If the closure throws an error about damage, records the damage.
    ///
    /// - Returns: The closure's result; nil if there was damage.
    private mutating func noting<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        do throws(StoreError) {
            return try body()
        } catch {
            guard error.code == .damaged else { throw error }
            damages.append(error.problem)
            return nil
        }
    }

    // MARK: - Copies

    /// The names of all files that a state folder may contain.
    public static let files = [
        StateSalvage.rebuiltFileName, StateStore.fileName, StateStore.fileName + "-wal", Journal.fileName,
        Journal.fileName + "-wal", SealFile.fileName,
    ]

    /// Checks whether a daemon has the folder open.
    ///
    /// - Parameter folder: The state folder.
    /// - Returns: True if one of the folder's databases is locked.
    public static func isInUse(_ folder: String) -> Bool {
        [StateStore.fileName, Journal.fileName].contains { isLocked("\(folder)/\($0)") }
    }

    /// Whether another process has locked the file. SQLite locks parts of the 512 bytes that begin at the offset 1 GiB;
    /// see <https://sqlite.org/fileformat2.html#the_lock_byte_page>.
    private static func isLocked(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 0x4000_0000
        lock.l_len = 512
        return unsafe fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }
}

import GRDB
public import Streams
import Synchronization

/// The durable home of stream state: an SQLite database that one daemon owns while it runs.
///
/// Every call is one transaction and waits until it is done, so callers keep it off the hot path; what a call has
/// written when it returns survives a crash of the process and of the machine. Safe to call from any thread; calls run
/// one after another.
///
/// Stored state proves itself: each row has a checksum, ``StreamDigest`` and ``StoreHeader`` notice rows that are missing or
/// older, and the folder's ``Seal`` notices a file that is. All is examined before anything is written.
public final class StateStore: Sendable {
    /// The name of the database within the state folder.
    public static let fileName = "sluice.sqlite"

    /// Facts about the database beside its rows. Changed within the database's transactions alone.
    struct Content {
        var header: StoreHeader
        var digest = StreamDigest()
        var checksum: Checksum
        /// Snapshots that are being written, by their numbers: what each has so far, or why it cannot be written.
        var staged: [Int64: Result<StagedRows, StoreError>] = [:]
        /// All rows of `stream` were found to be as they were written.
        var isVerified = false
        /// The database is written from here on.
        var isBegun = false
        /// The folder's journal, and how it is kept while it can be.
        var journal: Journal?
        var journalKind = Seal.JournalKind.none
    }

    let database: OwnedDatabase
    let seal: SealKeeper
    let content: Mutex<Content>
    /// When the last durable transaction of before this start was made, in nanoseconds since the Unix epoch; nil where there is
    /// none, or where it is not known.
    public let lastTime: Int64?

    /// Opens the store of a folder, which is created where it is missing. What is there is written only from the first call on
    /// that changes something, or from ``begin(_:journalKind:)`` on; but for a folder of an earlier version, which is brought up
    /// to this one.
    ///
    /// - Parameter folder: The state folder; nil: in memory, gone with the process.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse`, `laterVersion` or `damaged`.
    public init(folder: String?) throws(StoreError) {
        if let folder {
            try StateFolder.create(folder)
            try Self.requireDatabase(in: folder)
        }
        database = try OwnedDatabase(
            path: folder.map { "\($0)/\(Self.fileName)" },
            // A checkpoint of a million streams writes some 40,000 pages: they are moved into the database 4,000 at a time.
            pragmas: "PRAGMA wal_autocheckpoint = 4000")
        let versions = try database.versions(Schema.migrator)
        // Only now, when the folder is this process's own.
        let file = folder.map { SealFile(folder: $0) }
        let found = try file?.read()
        lastTime = found.flatMap { $0.seal.time == 0 ? nil : $0.seal.time }
        if !versions.contains(Schema.proof) {
            try Self.bringUp(database, isNew: versions.isEmpty, folder: folder, found?.seal)
        }
        let header = try database.read("read") { try StoreHeader($0) }
        guard let header else {
            throw .damage(database.place, "is damaged: its table 'header' is not as it was written")
        }
        if let file { try Self.compare(header, with: found?.seal, file, database.place) }
        content = Mutex(Content(header: header, checksum: Checksum(header.identity)))
        var seal = found?.seal ?? Seal(header.identity)
        let isBehind = found != nil && seal.generation < header.generation
        seal.generation = header.generation
        // Written before the database is: otherwise a second crash would leave the database two generations ahead.
        self.seal = SealKeeper(seal, file: file, isBehind: isBehind)
    }

    // MARK: - Checkpoints

    /// Streams that are read from the database at a time.
    static let streamsPerSlice = 4096

    /// All streams of the last checkpoint, whatever weights they belong to, in the order of their keys. The first time, each is
    /// examined.
    ///
    /// - Parameter body: Called with some of them at a time. What it throws ends the reading, and is passed on.
    /// - Throws: ``StoreError`` where the database cannot be read, or `damaged`, which may be after some were read.
    public func forEachSlice(_ body: (StreamSlice) throws -> Void) throws {
        try database.pass("read the streams of") { db in
            let isVerified = content.withLock { $0.isVerified }
            var examination = isVerified ? nil : StreamExamination(content.withLock { $0.header })
            let weights = try WeightsTable(db)
            let select = try db.makeStatement(
                sql: "SELECT key, position, \(StreamRow.columns), checksum FROM stream ORDER BY key")
            var values: [Float] = []
            var slice = StreamSlice(fingerprints: weights.fingerprints)
            while try select.step(in: db) {
                // Once a row is damaged, the others are only examined, to name all that are.
                guard examination?.add(select) ?? true else { continue }
                StreamRow.append(
                    select, at: 2, key: UInt32(truncatingIfNeeded: select.int64(0)),
                    position: UInt64(bitPattern: select.int64(1)), weights: weights, using: &values, to: &slice)
                if slice.entries.count == Self.streamsPerSlice {
                    try body(slice)
                    slice = StreamSlice(
                        fingerprints: weights.fingerprints, capacity: Self.streamsPerSlice,
                        valuesPerStream: values.count)
                }
            }
            if let examination { try finish(examination, db) }
            if !slice.isEmpty { try body(slice) }
        }
    }

    private func finish(_ examination: StreamExamination, _ db: Database) throws {
        let digest = try examination.finish(db, database.place)
        content.withLock { content in
            content.digest = digest
            content.isVerified = true
        }
    }

    /// Writes streams and forgets others, in one transaction. Whole when this returns; durable only when a later
    /// ``endCheckpoint(at:)`` or ``remove(_:)`` has returned, so that a checkpoint of many slices waits once for the disk.
    ///
    /// - Parameter slice: The streams that changed, and the keys of those that are gone.
    /// - Throws: ``StoreError`` where nothing was written.
    public func write(_ slice: StreamSlice) throws(StoreError) {
        try change("write a checkpoint to", isDurable: false) { db, content in
            // First: another stream of the slice may have such a key by now.
            try Self.delete(slice.removedKeys, in: db, &content)
            let weights = try WeightsTable.numbers(of: slice, in: db, &content)
            let upsert = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO stream (key, position, \(StreamRow.columns), checksum)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            for (number, entry) in slice.entries.enumerated() {
                let checksum = StreamRow.checksumOfStream(slice, number, weights: weights, &content.checksum)
                upsert.bind(Int64(entry.key), at: 1)
                upsert.bind(Int64(bitPattern: entry.position), at: 2)
                StreamRow.bind(slice, number, weights: weights, to: upsert, at: 3)
                upsert.bind(Int64(bitPattern: checksum), at: 11)
                try upsert.run(in: db)
                content.digest.set(entry.key, checksum)
            }
        }
    }

    /// Forgets streams.
    ///
    /// - Parameter keys: Those of the streams.
    /// - Throws: ``StoreError`` where none was forgotten.
    public func remove(_ keys: [UInt32]) throws(StoreError) {
        try change("delete streams from") { db, content in try Self.delete(keys, in: db, &content) }
    }

    private static func delete(_ keys: [UInt32], in db: Database, _ content: inout Content) throws {
        let delete = try db.cachedStatement(sql: "DELETE FROM stream WHERE key = ?")
        for key in keys {
            delete.bind(Int64(key), at: 1)
            try delete.run(in: db)
            content.digest.set(key, 0)
        }
    }

    /// The journal's record up to which all that the journal has is in the streams here; 0: none.
    public var position: UInt64 { content.withLock { $0.header.position } }

    /// The state folder's identity.
    var identity: StateIdentity { content.withLock { $0.header.identity } }

    /// The number of the last transaction that was answered as durable.
    public var generation: UInt64 { content.withLock { $0.header.generation } }

    /// Makes what was written durable, and notes that it is a checkpoint of all streams.
    ///
    /// - Parameter position: The journal's last record when the checkpoint began.
    /// - Throws: ``StoreError`` where it may not be durable.
    public func endCheckpoint(at position: UInt64) throws(StoreError) {
        try change("write a checkpoint to") { _, content in content.header.position = position }
        // A checkpoint can be tried again, so it has not succeeded before the seal knows of it.
        try seal.catchUp()
    }
}

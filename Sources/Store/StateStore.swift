import GRDB
public import Streams
import Synchronization

/// The durable storage of stream state: an SQLite database that a single daemon owns while it runs.
///
/// Each call is one transaction, and returns only after the transaction has ended. Callers must therefore keep calls
/// off the hot path. Unless stated otherwise, a write survives a crash of the process or the machine once its call has
/// returned. A store can be used from any thread; its calls run one at a time.
///
/// Every row has a checksum. ``StreamDigest`` and ``StoreHeader`` reveal rows that are missing or too old. The folder's
/// ``Seal`` does the same for files. Everything is examined before anything is written.
public final class StateStore: Sendable {
    /// The name of the database within the state folder.
    public static let fileName = "sluice.sqlite"

    /// The state of the store, except for the rows of its database.
    struct Content {
        var header: StoreHeader
        var digest = StreamDigest()
        var checksum: Checksum
        /// The snapshots that are being written, by number: the contents so far, or the error that made the snapshot
        /// fail.
        var staged: [Int64: Result<StagedRows, StoreError>] = [:]
        /// Whether all rows of the table `stream` have been checked and found to be intact.
        var isVerified = false
        /// Whether the folder has been made writable.
        var isBegun = false
        /// The folder's journal, and the kind that the seal states while the journal can be written.
        var journal: Journal?
        var journalKind = Seal.JournalKind.none
    }

    let database: OwnedDatabase
    let seal: SealKeeper
    let content: Mutex<Content>
    /// The time of the last seal before the store was opened, in nanoseconds since the Unix epoch; nil if there was no
    /// seal or its time is unknown.
    public let lastTime: Int64?

    /// Opens the store of a folder, or creates it if it does not exist. A folder that an earlier version wrote is
    /// migrated at once. Any other existing database stays unchanged until the first change or
    /// ``begin(_:journalKind:isWhole:)``.
    ///
    /// - Parameter folder: The state folder; nil for a store in memory, which is lost when the process ends.
    /// - Throws: ``StoreError`` with the code `cannotOpen`, `inUse`, `laterVersion` or `damaged`.
    public init(folder: String?) throws(StoreError) {
        if let folder {
            try StateFolder.create(folder)
            try Self.requireDatabase(in: folder)
        }
        database = try OwnedDatabase(
            path: folder.map { "\($0)/\(Self.fileName)" },
            // A checkpoint of a million streams writes about 40,000 pages to the log. SQLite moves them into the
            // database 4,000 at a time.
            pragmas: "PRAGMA wal_autocheckpoint = 4000")
        let versions = try database.versions(Schema.migrator)
        // Read the seal only now, because opening the database has locked the folder for this process.
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
        // If the seal in the file is older than the database, a new seal is written before the database changes again.
        // Otherwise, a second crash could leave the database two generations ahead of the seal.
        self.seal = SealKeeper(seal, file: file, isBehind: isBehind)
    }

    // MARK: - Checkpoints

    /// The maximum number of streams in a slice that is read from the database.
    static let streamsPerSlice = 4096

    /// Reads all streams of the last checkpoint in the order of their keys, regardless of their weights. The first call
    /// also examines each stream.
    ///
    /// - Parameter body: A closure that receives one slice of streams at a time. If it throws, reading ends and the
    ///   error is rethrown.
    /// - Throws: ``StoreError`` if the database cannot be read. The code is `damaged` if rows are damaged; `body` may
    ///   have received some streams by then.
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
                // After a damaged row, only examine the remaining rows, so that the error can name all damaged streams.
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

    /// Writes streams and removes others, in a single transaction. The transaction becomes durable only with a later
    /// ``endCheckpoint(at:)`` or ``remove(_:)``, so that a checkpoint of many slices waits for the disk only once.
    ///
    /// - Parameter slice: The changed streams, and the keys of the removed ones.
    /// - Throws: ``StoreError`` if nothing was written.
    public func write(_ slice: StreamSlice) throws(StoreError) {
        try change("write a checkpoint to", isDurable: false) { db, content in
            // Remove streams first, because another stream in the slice may have taken over the key of a removed
            // stream.
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

    /// Removes streams durably.
    ///
    /// - Parameter keys: The keys of the streams.
    /// - Throws: ``StoreError`` if no stream was removed.
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

    /// The position of the last journal record that the stored streams reflect; 0 if there is none.
    public var position: UInt64 { content.withLock { $0.header.position } }

    /// The state folder's identity.
    var identity: StateIdentity { content.withLock { $0.header.identity } }

    /// The database's generation: the number of its last durable transaction.
    public var generation: UInt64 { content.withLock { $0.header.generation } }

    /// Makes the written slices durable as a complete checkpoint.
    ///
    /// - Parameter position: The position of the journal's last record when the checkpoint began.
    /// - Throws: ``StoreError`` if the checkpoint may not be durable.
    public func endCheckpoint(at position: UInt64) throws(StoreError) {
        try change("write a checkpoint to") { _, content in content.header.position = position }
        // A checkpoint succeeds only once the seal states the database's new generation. If the seal cannot be written,
        // the caller can repeat the checkpoint.
        try seal.catchUp()
    }
}

import GRDB
public import Streams
public import Wire

/// Streams that are asked for by their keys, and snapshots that are read and written page by page.
extension StateStore {
    /// A page with so many bytes of state takes no further stream.
    static let pageBytes = 512 * 1024

    /// Streams of the last checkpoint.
    ///
    /// - Parameter keys: Which streams.
    /// - Returns: Those that are there.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func streams(_ keys: [UInt32]) throws(StoreError) -> StreamSlice {
        guard !keys.isEmpty else { return StreamSlice(fingerprints: []) }
        return try database.read("read streams of") { db in
            let select = try db.makeStatement(sql: "SELECT \(StreamRow.columns) FROM stream WHERE key = ?")
            var reader = try SliceReader(db)
            for key in keys {
                try select.setArguments([Int64(key)])
                while try select.step(in: db) { reader.append(select, key: key) }
            }
            return reader.slice
        }
    }

    /// A page of a snapshot's streams, ordered by the bytes of their ids.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - selection: Which of its streams.
    ///   - after: Only ids after this one; nil: from the first.
    ///   - limit: At most so many; fewer where their states are large.
    /// - Returns: The page, with keys that mean nothing, and where the next begins; nil at the end.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where the database cannot be read.
    public func page(
        ofSnapshot name: String, _ selection: ControlCommand.Selection = .all, after: String?, limit: Int
    ) throws(StoreError) -> (slice: StreamSlice, next: String?) {
        let prefix: String
        switch selection {
        case .stream(let id): return (try streams(ofSnapshot: name, named: [id]), nil)
        case .prefix(let text): prefix = text
        case .all: prefix = ""
        }
        return try database.read("read a snapshot of") { db in
            // No byte of UTF-8 is 255: what begins with the prefix comes before this, and nothing else behind the prefix does.
            let end = Array(prefix.utf8) + [255]
            let select = try db.makeStatement(
                sql: """
                    SELECT \(StreamRow.columns) FROM snapshot_stream
                    WHERE snapshot = ? AND id \(after == nil ? ">=" : ">") ? AND id < ? ORDER BY id LIMIT ?
                    """)
            select.bind(try Self.requireSnapshot(named: name, in: db).id, at: 1)
            select.bind(text: Array((after ?? prefix).utf8).span, at: 2)
            select.bind(text: end.span, at: 3)
            select.bind(Int64(limit), at: 4)
            var reader = try SliceReader(db)
            while reader.slice.byteCount < Self.pageBytes {
                guard try select.step(in: db) else {
                    return (reader.slice, reader.slice.entries.count < limit ? nil : reader.slice.lastID)
                }
                reader.append(select)
            }
            return (reader.slice, reader.slice.lastID)
        }
    }

    /// Streams of a snapshot.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - ids: Which of its streams.
    /// - Returns: Those that the snapshot has, with keys that mean nothing.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where the database cannot be read.
    public func streams(ofSnapshot name: String, named ids: [String]) throws(StoreError) -> StreamSlice {
        try database.read("read a snapshot of") { db in
            let snapshot = try Self.requireSnapshot(named: name, in: db)
            let select = try db.makeStatement(
                sql: "SELECT \(StreamRow.columns) FROM snapshot_stream WHERE snapshot = ? AND id = ?")
            var reader = try SliceReader(db)
            for id in ids {
                try select.setArguments([snapshot.id, id])
                while try select.step(in: db) { reader.append(select) }
            }
            return reader.slice
        }
    }

    /// Adds streams to a snapshot, which is made where it is not there.
    ///
    /// - Parameters:
    ///   - images: Streams that the snapshot does not have.
    ///   - name: The snapshot's name.
    ///   - time: Nanoseconds since the Unix epoch: that of a new snapshot.
    /// - Throws: ``StoreError`` where nothing was added, as when the snapshot has one of the streams already.
    public func add(_ images: [StreamImage], toSnapshot name: String, time: Int64) throws(StoreError) {
        let slice = StreamSlice(images)
        try change("write a snapshot to") { db, content in
            let known = try SnapshotRow.named(name, in: db)
            var row = known ?? SnapshotRow(newNamed: name, time: time)
            if known == nil { try row.insert(in: db) }
            try Self.insert(slice, of: &row, in: db, &content)
            let change = try row.update(in: db, &content.checksum)
            content.header.snapshots += StreamDigest.Sum(rows: known == nil ? 1 : 0, checksums: change)
        }
    }

    /// Keeps what the states of models are made of.
    ///
    /// - Parameter models: Those whose streams are stored from here on.
    /// - Throws: ``StoreError`` where nothing was written.
    public func keepLayouts(of models: [ServedModel]) throws(StoreError) {
        try change("write to", isDurable: false) { db, content in
            var isChanged = false
            for model in models {
                let isNew = try SmallTables.keep(
                    model.stateLayout, of: model.imageFingerprint, in: db, &content.checksum)
                isChanged = isChanged || isNew
            }
            if isChanged { try content.addOthers(in: db) }
        }
    }

    /// The layouts of the states of all models that were served at some time.
    ///
    /// - Returns: ``ServedModel/stateLayout`` by ``ServedModel/imageFingerprint``.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func layouts() throws(StoreError) -> [String: String] {
        try database.read("read") { db in
            let rows = try Row.fetchAll(db, sql: "SELECT fingerprint, layout FROM layout")
            return Dictionary(rows.map { ($0.text(0), $0.text(1)) }, uniquingKeysWith: { first, _ in first })
        }
    }
}

/// Puts rows that are read into a slice.
private struct SliceReader {
    private(set) var slice: StreamSlice
    private let weights: WeightsTable
    private var values: [Float] = []

    init(_ db: Database) throws {
        weights = try WeightsTable(db)
        slice = StreamSlice(fingerprints: weights.fingerprints)
    }

    /// Adds the row that a statement stands on, which begins with ``StreamRow/columns``.
    mutating func append(_ statement: Statement, key: UInt32 = 0) {
        StreamRow.append(statement, at: 0, key: key, position: 0, weights: weights, using: &values, to: &slice)
    }
}

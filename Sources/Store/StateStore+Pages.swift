import GRDB
public import Streams
public import Wire

/// Reads streams by key, and reads and writes snapshots page by page.
extension StateStore {
    /// The size of the state, in bytes, at which a page is full.
    static let pageBytes = 512 * 1024

    /// Returns streams as of the last checkpoint.
    ///
    /// - Parameter keys: The keys of the streams.
    /// - Returns: The streams that exist. Unknown keys are left out.
    /// - Throws: ``StoreError`` if the database cannot be read.
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

    /// Returns one page of a snapshot's streams, ordered by the bytes of their ids.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - selection: The streams to read from the snapshot.
    ///   - after: The id that precedes the page; nil for the first page.
    ///   - limit: The maximum number of streams on the page. The page holds fewer if their states are large.
    /// - Returns: The page, and the id that precedes the next page; the id is nil on the last page. The streams' keys
    ///   have no meaning.
    /// - Throws: ``StoreError`` with the code `noSuchSnapshot`, or `failed` if the database cannot be read.
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
            // No byte of UTF-8 text is 255, so this bound comes after every id with the prefix and before any later id.
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

    /// Returns streams of a snapshot.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - ids: The ids of the streams.
    /// - Returns: The requested streams that exist in the snapshot. Their keys have no meaning.
    /// - Throws: ``StoreError`` with the code `noSuchSnapshot`, or `failed` if the database cannot be read.
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

    /// Adds streams to a snapshot, and creates the snapshot if it does not exist.
    ///
    /// - Parameters:
    ///   - images: Streams that are not in the snapshot yet.
    ///   - name: The snapshot's name.
    ///   - time: The time of a new snapshot, in nanoseconds since the Unix epoch. Ignored if the snapshot exists.
    /// - Throws: ``StoreError`` if nothing was added, for example because the snapshot already has one of the streams.
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

    /// Stores the state layouts of models, so that a later start of the daemon can tell whether stored state fits other
    /// weights.
    ///
    /// - Parameter models: The models whose streams will be stored.
    /// - Throws: ``StoreError`` if nothing was written.
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

    /// Returns the state layouts of all models that have ever been served.
    ///
    /// - Returns: The ``ServedModel/stateLayout`` for each ``ServedModel/imageFingerprint``.
    /// - Throws: ``StoreError`` if the database cannot be read.
    public func layouts() throws(StoreError) -> [String: String] {
        try database.read("read") { db in
            let rows = try Row.fetchAll(db, sql: "SELECT fingerprint, layout FROM layout")
            return Dictionary(rows.map { ($0.text(0), $0.text(1)) }, uniquingKeysWith: { first, _ in first })
        }
    }
}

/// Collects rows in a slice.
private struct SliceReader {
    private(set) var slice: StreamSlice
    private let weights: WeightsTable
    private var values: [Float] = []

    init(_ db: Database) throws {
        weights = try WeightsTable(db)
        slice = StreamSlice(fingerprints: weights.fingerprints)
    }

    /// Appends the current row of a statement. The row begins with ``StreamRow/columns``.
    mutating func append(_ statement: Statement, key: UInt32 = 0) {
        StreamRow.append(statement, at: 0, key: key, position: 0, weights: weights, using: &values, to: &slice)
    }
}

import GRDB
public import Streams

/// Streams that are asked for by their keys, and snapshots that are read and written page by page.
extension StateStore {
    /// A page with so many bytes of state takes no further stream.
    static let pageBytes = 512 * 1024

    /// Streams of the last checkpoint.
    ///
    /// - Parameter keys: Which streams.
    /// - Returns: An image of each that is there.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func streams(_ keys: [UInt32]) throws(StoreError) -> [StreamImage] {
        guard !keys.isEmpty else { return [] }
        return try database.read("read streams of") { db in
            let weights = try WeightsTable(db)
            let select = try db.makeStatement(sql: "SELECT \(StreamRow.columns) FROM stream WHERE key = ?")
            var values: [Float] = []
            var slice = StreamSlice(fingerprints: weights.fingerprints)
            for key in keys {
                try select.setArguments([Int64(key)])
                while try select.step(in: db) {
                    StreamRow.append(select, at: 0, key: key, position: 0, weights: weights, using: &values, to: &slice)
                }
            }
            return slice.images
        }
    }

    /// A page of a snapshot's streams, ordered by the bytes of their ids.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - after: Only ids after this one; nil: from the first.
    ///   - limit: At most so many; fewer where their states are large.
    /// - Returns: The page, and where the next begins; nil at the end.
    /// - Throws: ``StoreError``: `noSuchSnapshot`, or `failed` where the database cannot be read.
    public func page(
        ofSnapshot name: String, after: String?, limit: Int
    ) throws(StoreError) -> (images: [StreamImage], next: String?) {
        try database.read("read a snapshot of") { db in
            let snapshot = try Self.requireSnapshot(named: name, in: db)
            let weights = try WeightsTable(db)
            let select = try db.makeStatement(
                sql: """
                    SELECT \(StreamRow.columns) FROM snapshot_stream WHERE snapshot = ? AND id > ? ORDER BY id LIMIT ?
                    """)
            try select.setArguments([snapshot.id, after ?? "", limit])
            var values: [Float] = []
            var slice = StreamSlice(fingerprints: weights.fingerprints)
            while slice.byteCount < Self.pageBytes {
                guard try select.step(in: db) else {
                    let images = slice.images
                    return (images, images.count < limit ? nil : images.last?.id)
                }
                StreamRow.append(select, at: 0, key: 0, position: 0, weights: weights, using: &values, to: &slice)
            }
            let images = slice.images
            return (images, images.last?.id)
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
            var row = try SnapshotRow.named(name, in: db) ?? SnapshotRow.insert(name, time: time, in: db)
            try Self.add(slice, to: &row, in: db, &content)
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

    /// What the states of models are made of that were served at some time.
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

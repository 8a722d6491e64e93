import GRDB
public import Streams

/// Streams that are asked for by their ids, and snapshots that are read and written page by page.
extension StateStore {
    /// A page's streams have at most so many bytes of state, or are one.
    static let pageBytes = 512 * 1024

    /// Streams of the last checkpoint.
    ///
    /// - Parameter ids: Which streams.
    /// - Returns: An image of each that is there.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func streams(_ ids: [String]) throws(StoreError) -> [StreamImage] {
        guard !ids.isEmpty else { return [] }
        return try perform("read streams of") { database in
            try database.read { db in
                try ids.flatMap { try StreamRow.fetchAll(db, from: "stream", where: "stream.id = ?", arguments: [$0]) }
            }
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
        try perform("read a snapshot of") { database in
            try database.read { db in
                let snapshot = try Self.requireSnapshot(named: name, in: db)
                var images: [StreamImage] = []
                var bytes = 0
                var last = after ?? ""
                while images.count < limit, bytes < Self.pageBytes {
                    let few = try StreamRow.fetchAll(
                        db, from: "snapshot_stream",
                        where: "snapshot = ? AND snapshot_stream.id > ? ORDER BY snapshot_stream.id LIMIT ?",
                        arguments: [snapshot, last, min(64, limit - images.count)])
                    guard let end = few.last?.id else { return (images, nil) }
                    last = end
                    images += few
                    bytes += few.reduce(0) { $0 + $1.byteCount }
                }
                return (images, last)
            }
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
        try perform("write a snapshot to") { database in
            try database.write { db in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO snapshot (name, time, streams, bytes) VALUES (?, ?, 0, 0)",
                    arguments: [name, time])
                let snapshot = try Self.requireSnapshot(named: name, in: db)
                try Self.add(images, toSnapshot: snapshot, in: db)
                try db.execute(
                    sql: "UPDATE snapshot SET streams = streams + ?, bytes = bytes + ? WHERE id = ?",
                    arguments: [images.count, images.reduce(0) { $0 + $1.byteCount }, snapshot])
            }
        }
    }

    /// Keeps what the states of models are made of.
    ///
    /// - Parameter models: Those whose streams are stored from here on.
    /// - Throws: ``StoreError`` where nothing was written.
    public func keepLayouts(of models: [ServedModel]) throws(StoreError) {
        try perform("write to") { database in
            try database.write { db in
                for model in models {
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO layout (fingerprint, layout) VALUES (?, ?)",
                        arguments: [model.imageFingerprint, model.stateLayout])
                }
            }
        }
    }

    /// What the states of models are made of that were served at some time.
    ///
    /// - Returns: ``ServedModel/stateLayout`` by ``ServedModel/imageFingerprint``.
    /// - Throws: ``StoreError`` where the database cannot be read.
    public func layouts() throws(StoreError) -> [String: String] {
        try perform("read") { database in
            try database.read { db in
                let rows = try Row.fetchAll(db, sql: "SELECT fingerprint, layout FROM layout")
                return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as String, $0[1] as String) })
            }
        }
    }
}

import GRDB

/// The checksums of all rows of the table `stream`. The checksums reveal whether a row is missing or too old, and in
/// which bucket.
///
/// Every ``rowsPerBucket`` consecutive keys form a bucket. For each bucket, the table `digest` stores the number of
/// rows and the sum of their checksums. The checksum of every row is kept in memory, so that a row need not be read
/// before it is overwritten.
struct StreamDigest {
    /// A number of rows, and the sum of their checksums. The sum wraps around on overflow.
    struct Sum: Equatable {
        var rows: Int64 = 0
        var checksums: UInt64 = 0

        static func += (left: inout Sum, right: Sum) {
            left.rows += right.rows
            left.checksums &+= right.checksums
        }
    }

    /// The number of keys in a bucket.
    static let rowsPerBucket = 16

    /// The sum over all rows.
    private(set) var total = Sum()
    /// The checksums of the rows in each bucket that has ever had a row: shape (16) per bucket, with 0 for a missing
    /// row.
    private var checksums: [UInt64] = []
    private var sums: [Sum] = []
    /// The index of each bucket in ``sums``, which also locates the bucket's checksums in ``checksums``. Keys may be
    /// far apart, so a dictionary holds the buckets from ``nearBuckets`` on.
    private var places: [Int32] = []
    private var farPlaces: [UInt32: Int32] = [:]

    /// The buckets changed since the last ``commit()``, and the previous checksums for ``rollBack()``.
    private var changed: Set<UInt32> = []
    private var lastChanged: UInt32?
    private var undone: [(key: UInt32, checksum: UInt64)] = []

    private static let nearBuckets = 1 << 20

    static func bucket(of key: UInt32) -> UInt32 { key / UInt32(rowsPerBucket) }

    /// Replaces the checksum of a row.
    ///
    /// - Parameters:
    ///   - key: The row's key.
    ///   - checksum: The row's checksum; 0 if the row is deleted.
    mutating func set(_ key: UInt32, _ checksum: UInt64) {
        let old = exchange(key, checksum)
        guard old != checksum else { return }
        undone.append((key, old))
        let bucket = Self.bucket(of: key)
        // Skip the insertion if the bucket was also the last one changed. This is common, because the streams of a
        // slice are ordered by key.
        if bucket != lastChanged { changed.insert(bucket) }
        lastChanged = bucket
    }

    /// Adds the checksum of a row that was read from the table.
    mutating func load(_ key: UInt32, _ checksum: UInt64) { _ = exchange(key, checksum) }

    /// The changed buckets, with their current sums.
    var changedBuckets: [(bucket: UInt32, sum: Sum)] { changed.map { ($0, sum(of: $0)) } }

    /// Accepts the changes after they have been written. They can no longer be undone.
    mutating func commit() {
        changed.removeAll(keepingCapacity: true)
        undone.removeAll(keepingCapacity: true)
        lastChanged = nil
    }

    /// Undoes changes that could not be written.
    mutating func rollBack() {
        for (key, checksum) in undone.reversed() { _ = exchange(key, checksum) }
        commit()
    }

    /// Writes the sums of the changed buckets to the table `digest`.
    func writeChanged(in db: Database) throws {
        guard !changed.isEmpty else { return }
        let upsert = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO digest (bucket, streams, sum) VALUES (?, ?, ?)")
        let delete = try db.cachedStatement(sql: "DELETE FROM digest WHERE bucket = ?")
        for (bucket, sum) in changedBuckets {
            let statement = sum.rows == 0 ? delete : upsert
            statement.bind(Int64(bucket), at: 1)
            if sum.rows != 0 {
                statement.bind(sum.rows, at: 2)
                statement.bind(Int64(bitPattern: sum.checksums), at: 3)
            }
            try statement.run(in: db)
        }
    }

    /// Reads the sums of all buckets from the table `digest`.
    static func stored(in db: Database) throws -> [UInt32: Sum] {
        let rows = try Row.fetchAll(db, sql: "SELECT bucket, streams, sum FROM digest")
        return Dictionary(
            rows.map { row in
                (
                    UInt32(truncatingIfNeeded: row.number(0)),
                    Sum(rows: row.number(1), checksums: UInt64(bitPattern: row.number(2)))
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Returns the buckets whose sums differ from the stored ones.
    ///
    /// - Parameter stored: The sums in the table `digest`.
    /// - Returns: The buckets.
    func bucketsThatDiffer(from stored: [UInt32: Sum]) -> Set<UInt32> {
        let here = Set(farPlaces.keys).union(places.indices.lazy.filter { places[$0] >= 0 }.map { UInt32($0) })
        return Set(here.union(stored.keys).filter { sum(of: $0) != stored[$0] ?? Sum() })
    }

    func sum(of bucket: UInt32) -> Sum { place(of: bucket).map { sums[$0] } ?? Sum() }

    private mutating func exchange(_ key: UInt32, _ checksum: UInt64) -> UInt64 {
        let bucket = Self.bucket(of: key)
        guard let place = place(of: bucket) ?? (checksum == 0 ? nil : makePlace(for: bucket)) else { return 0 }
        let index = place * Self.rowsPerBucket + Int(key) % Self.rowsPerBucket
        let old = checksums[index]
        checksums[index] = checksum
        let rows: Int64 = (checksum == 0 ? 0 : 1) - (old == 0 ? 0 : 1)
        let change = Sum(rows: rows, checksums: checksum &- old)
        sums[place] += change
        total += change
        return old
    }

    private func place(of bucket: UInt32) -> Int? {
        guard Int(bucket) >= Self.nearBuckets else {
            return Int(bucket) < places.count && places[Int(bucket)] >= 0 ? Int(places[Int(bucket)]) : nil
        }
        return farPlaces[bucket].map { Int($0) }
    }

    private mutating func makePlace(for bucket: UInt32) -> Int {
        let place = sums.count
        sums.append(Sum())
        checksums.append(contentsOf: repeatElement(0, count: Self.rowsPerBucket))
        if Int(bucket) < Self.nearBuckets {
            while places.count <= Int(bucket) { places.append(-1) }
            places[Int(bucket)] = Int32(place)
        } else {
            farPlaces[bucket] = Int32(place)
        }
        return place
    }
}

import Foundation
import GRDB

/// The single row of the table `header`, which ties the database's tables together. The row holds the identity, the
/// generation, and the sum of each table's row checksums.
struct StoreHeader: Equatable {
    /// The state folder's identity.
    var identity: StateIdentity
    /// A counter that increases with each durable transaction.
    var generation: UInt64 = 0
    /// Whether the folder has a seal. Without a seal, the database is still being created or migrated.
    var isSealed = false
    /// The position of the last journal record that the stored streams reflect.
    var position: UInt64
    /// The sum over the table `stream`.
    var streams = StreamDigest.Sum()
    /// The sum over the table `snapshot`. Each row of that table in turn holds the sum over the streams of its
    /// snapshot.
    var snapshots = StreamDigest.Sum()
    /// The sum over the tables `weights` and `layout`.
    var others: UInt64 = 0

    init(identity: StateIdentity, position: UInt64) {
        self.identity = identity
        self.position = position
    }

    private static let columns =
        "identity, generation, is_sealed, position, streams, sum, snapshots, snapshot_sum, other_sum, checksum"

    /// Reads the row.
    ///
    /// - Returns: The header; nil if the row is missing or damaged.
    init?(_ db: Database) throws {
        let rows = try Row.fetchAll(db, sql: "SELECT \(Self.columns) FROM header")
        guard rows.count == 1, let row = rows.first, let identity = StateIdentity(row.bytes(0)),
            let numbers = row.numbers(1...9)
        else { return nil }
        self.init(identity: identity, position: numbers[2])
        generation = numbers[0]
        isSealed = numbers[1] != 0
        streams = StreamDigest.Sum(rows: Int64(bitPattern: numbers[3]), checksums: numbers[4])
        snapshots = StreamDigest.Sum(rows: Int64(bitPattern: numbers[5]), checksums: numbers[6])
        others = numbers[7]
        guard numbers[8] == checksum else { return nil }
    }

    private var numbers: [UInt64] {
        [
            generation, isSealed ? 1 : 0, position, UInt64(bitPattern: streams.rows), streams.checksums,
            UInt64(bitPattern: snapshots.rows), snapshots.checksums, others,
        ]
    }

    private var checksum: UInt64 { Checksum.of(.header, numbers, identity) }

    /// Inserts the row into an empty table.
    func insert(in db: Database) throws {
        let values = (numbers + [checksum]).map { Int64(bitPattern: $0) }
        try db.execute(
            sql: "INSERT INTO header (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [Data(identity.bytes)] + StatementArguments(values))
    }

    /// Overwrites the row.
    func update(in db: Database) throws {
        let update = try db.cachedStatement(
            sql: """
                UPDATE header SET (generation, is_sealed, position, streams, sum, snapshots, snapshot_sum, other_sum, checksum)
                    = (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for (index, number) in (numbers + [checksum]).enumerated() {
            update.bind(Int64(bitPattern: number), at: index + 1)
        }
        try update.run(in: db)
    }
}

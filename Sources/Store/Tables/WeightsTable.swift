import GRDB
import Streams

/// Maps the numbers in the table `weights` to fingerprints.
struct WeightsTable {
    let fingerprints: [String]
    private let indices: [Int64: Int]

    /// Reads the whole table.
    init(_ db: Database) throws {
        let rows = try Row.fetchAll(db, sql: "SELECT id, fingerprint FROM weights")
        // The last element stands for any number that is not in the table.
        fingerprints = rows.map { $0.text(1) } + [""]
        indices = Dictionary(rows.enumerated().map { ($1.number(0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Returns the index in ``fingerprints`` for a number in the table.
    func index(of number: Int64) -> Int { indices[number] ?? fingerprints.count - 1 }

    /// Returns the numbers of a slice's fingerprints, in the slice's order. New fingerprints are added to the table.
    static func numbers(
        of slice: StreamSlice, in db: Database, _ content: inout StateStore.Content
    ) throws -> [Int64] {
        var isChanged = false
        let numbers = try slice.fingerprints.map { fingerprint in
            if let number = try Int64.fetchOne(
                db, sql: "SELECT id FROM weights WHERE fingerprint = ?", arguments: [fingerprint])
            {
                return number
            }
            try db.execute(sql: "INSERT INTO weights (fingerprint) VALUES (?)", arguments: [fingerprint])
            let number = db.lastInsertedRowID
            let checksum = SmallTables.checksum(ofWeights: number, fingerprint: fingerprint, &content.checksum)
            try db.execute(
                sql: "UPDATE weights SET checksum = ? WHERE id = ?", arguments: [Int64(bitPattern: checksum), number])
            isChanged = true
            return number
        }
        if isChanged { try content.addOthers(in: db) }
        return numbers
    }
}

import Foundation
import GRDB
import Streams

/// A stream image as a row of the tables `stream` and `snapshot_stream`.
enum StreamRow {
    /// All streams of one of the two tables that meet a condition.
    static func fetchAll(
        _ db: Database, from table: String, where condition: String = "TRUE", arguments: StatementArguments = []
    ) throws -> [StreamImage] {
        let sql = """
            SELECT \(table).*, fingerprint FROM \(table) JOIN weights ON weights.id = \(table).weights
            WHERE \(condition)
            """
        return try Array(Row.fetchCursor(db, sql: sql, arguments: arguments).map(image))
    }

    /// The values of the columns id, sequence, step, time, label, gap_pending and values, in this order.
    static func arguments(_ image: StreamImage) -> StatementArguments {
        [
            image.id, Int64(bitPattern: image.sequence), Int64(bitPattern: image.step), image.time,
            image.label.map { Int64($0) }, image.gapPending, blob(image.values),
        ]
    }

    private static func image(_ row: Row) throws -> StreamImage {
        StreamImage(
            id: row["id"], fingerprint: row["fingerprint"], sequence: UInt64(bitPattern: row["sequence"]),
            step: UInt64(bitPattern: row["step"]), time: row["time"], label: row["label"],
            gapPending: row["gap_pending"], values: floats(row["values"]))
    }

    private static func blob(_ values: [Float]) -> Data {
        var data = Data(capacity: values.count * MemoryLayout<Float>.size)
        for value in values {
            let bits = value.bitPattern
            data.append(contentsOf: [
                UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8),
                UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24),
            ])
        }
        return data
    }

    /// A blob of another length than whole floats gives none, which no model's row fits.
    private static func floats(_ data: Data) -> [Float] {
        guard data.count % MemoryLayout<Float>.size == 0 else { return [] }
        let bytes = [UInt8](data)
        return stride(from: 0, to: bytes.count, by: MemoryLayout<Float>.size).map { offset in
            Float(
                bitPattern: UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8
                    | UInt32(bytes[offset + 2]) << 16 | UInt32(bytes[offset + 3]) << 24)
        }
    }
}

import Foundation
import GRDB

/// Reads columns of rows that may be damaged. GRDB's own conversions would end the process if a column had an
/// unexpected type.
extension Row {
    /// Returns a column as a number; 0 if it is not a number. The 0 does not match the row's checksum.
    func number(_ column: Int) -> Int64 { Int64.fromDatabaseValue(self[column] as DatabaseValue) ?? 0 }

    /// Returns columns as numbers; nil if any of them is not a number.
    func numbers(_ columns: ClosedRange<Int>) -> [UInt64]? {
        let numbers = columns.compactMap { column in
            Int64.fromDatabaseValue(self[column] as DatabaseValue).map { UInt64(bitPattern: $0) }
        }
        return numbers.count == columns.count ? numbers : nil
    }

    /// Returns a column as text; empty if it is not text. The empty text does not match the row's checksum.
    func text(_ column: Int) -> String { String.fromDatabaseValue(self[column] as DatabaseValue) ?? "" }

    /// Returns a column as bytes; empty if it is not a blob.
    func bytes(_ column: Int) -> [UInt8] { [UInt8](Data.fromDatabaseValue(self[column] as DatabaseValue) ?? Data()) }
}

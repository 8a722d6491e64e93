import Foundation
import GRDB

/// Columns of rows that may be damaged: GRDB's own conversions end the process where a column is of another type.
extension Row {
    /// A column as a number; 0 where it is none, which no checksum fits.
    func number(_ column: Int) -> Int64 { Int64.fromDatabaseValue(self[column] as DatabaseValue) ?? 0 }

    /// A column as text; empty where it is none, which no checksum fits.
    func text(_ column: Int) -> String { String.fromDatabaseValue(self[column] as DatabaseValue) ?? "" }

    /// A column as bytes; empty where it holds none.
    func bytes(_ column: Int) -> [UInt8] { [UInt8](Data.fromDatabaseValue(self[column] as DatabaseValue) ?? Data()) }
}

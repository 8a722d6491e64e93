import Foundation
import GRDB
public import Wire

/// Stores the dictionaries that producers have announced.
///
/// The hash of a dictionary proves its contents, so its row has no checksum. A damaged row is left out. The daemon then
/// drops the messages that refer to the dictionary until a producer announces the dictionary again.
extension StateStore {
    /// Makes the stored dictionaries equal to the given ones.
    ///
    /// - Parameter dictionaries: The dictionaries, with the most recently used one at the end.
    /// - Throws: ``StoreError`` if nothing was written.
    public func keep(_ dictionaries: [StreamDictionary]) throws(StoreError) {
        try change("write a dictionary to") { db, _ in
            let stored = Set(try Int64.fetchAll(db, sql: "SELECT hash FROM dictionary"))
            let wanted = Set(dictionaries.map { Int64(bitPattern: $0.hash) })
            for hash in stored.subtracting(wanted) {
                try db.execute(sql: "DELETE FROM dictionary WHERE hash = ?", arguments: [hash])
            }
            let insert = try db.cachedStatement(sql: "INSERT INTO dictionary (hash, ids) VALUES (?, ?)")
            for dictionary in dictionaries where !stored.contains(Int64(bitPattern: dictionary.hash)) {
                insert.bind(Int64(bitPattern: dictionary.hash), at: 1)
                unsafe insert.bind(blob: dictionary.bytes.span.bytes, at: 2)
                try insert.run(in: db)
            }
        }
    }

    /// Returns the stored dictionaries, oldest first. Call this after ``begin(_:journalKind:isWhole:)``.
    ///
    /// - Throws: ``StoreError`` if the database cannot be read.
    public func dictionaries() throws(StoreError) -> [StreamDictionary] {
        try database.read("read the dictionaries of") { db in
            try Row.fetchAll(db, sql: "SELECT hash, ids FROM dictionary ORDER BY number").compactMap { row in
                let dictionary = try? StreamDictionary(bytes: [UInt8](row["ids"] as Data? ?? Data()))
                return dictionary?.hash == UInt64(bitPattern: row.number(0)) ? dictionary : nil
            }
        }
    }
}

import GRDB
import GRDBSQLite

/// Sets and reads the values of a statement without creating an object for each value, because a checkpoint may have
/// millions of values.
extension Statement {
    /// Sets a parameter to a number. Parameters are numbered from 1.
    func bind(_ value: Int64, at parameter: Int) {
        unsafe sqlite3_bind_int64(sqliteStatement, CInt(parameter), value)
    }

    /// Sets a parameter to a number or null. Parameters are numbered from 1.
    func bind(_ value: Int64?, at parameter: Int) {
        guard let value else {
            unsafe sqlite3_bind_null(sqliteStatement, CInt(parameter))
            return
        }
        bind(value, at: parameter)
    }

    /// Sets a parameter to a copy of UTF-8 text. Parameters are numbered from 1.
    func bind(text: Span<UInt8>, at parameter: Int) {
        _ = unsafe text.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            unsafe sqlite3_bind_text(sqliteStatement, CInt(parameter), start, CInt(bytes.count), transient)
        }
    }

    /// Sets a parameter to a copy of bytes. Parameters are numbered from 1.
    func bind(blob: RawSpan, at parameter: Int) {
        _ = unsafe blob.withUnsafeBytes { bytes in
            // SQLite would treat a missing address as null.
            unsafe bytes.isEmpty
                ? sqlite3_bind_zeroblob(sqliteStatement, CInt(parameter), 0)
                : sqlite3_bind_blob(sqliteStatement, CInt(parameter), bytes.baseAddress, CInt(bytes.count), transient)
        }
    }

    /// Runs a statement that returns no rows.
    ///
    /// - Throws: `DatabaseError` with SQLite's code.
    func run(in db: Database) throws {
        let code = unsafe sqlite3_step(sqliteStatement)
        unsafe sqlite3_reset(sqliteStatement)
        guard code == SQLITE_DONE else { throw db.error(code) }
    }

    /// Moves to the next row.
    ///
    /// - Returns: Whether there is another row.
    /// - Throws: `DatabaseError` with SQLite's code.
    func step(in db: Database) throws -> Bool {
        let code = unsafe sqlite3_step(sqliteStatement)
        if code == SQLITE_ROW { return true }
        unsafe sqlite3_reset(sqliteStatement)
        guard code == SQLITE_DONE else { throw db.error(code) }
        return false
    }

    /// Returns a column of the current row as a number; 0 for null. Columns are numbered from 0.
    func int64(_ column: Int) -> Int64 {
        unsafe sqlite3_column_int64(sqliteStatement, CInt(column))
    }

    /// Returns whether a column of the current row is null. Columns are numbered from 0.
    func isNull(_ column: Int) -> Bool {
        unsafe sqlite3_column_type(sqliteStatement, CInt(column)) == SQLITE_NULL
    }

    /// Calls `body` with the bytes of a column of the current row. Columns are numbered from 0.
    func withBytes(_ column: Int, _ body: (RawSpan) -> Void) {
        let start = unsafe sqlite3_column_blob(sqliteStatement, CInt(column))
        let count = unsafe sqlite3_column_bytes(sqliteStatement, CInt(column))
        body(unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(count)).bytes)
    }

    /// Calls `body` with the UTF-8 text of a column of the current row. Columns are numbered from 0.
    func withText(_ column: Int, _ body: (Span<UInt8>) -> Void) {
        let start = unsafe sqlite3_column_text(sqliteStatement, CInt(column))
        let count = unsafe sqlite3_column_bytes(sqliteStatement, CInt(column))
        body(unsafe UnsafeBufferPointer(start: start, count: start == nil ? 0 : Int(count)).span)
    }
}

extension Database {
    fileprivate func error(_ code: CInt) -> DatabaseError {
        let message = unsafe String(cString: sqlite3_errmsg(sqliteConnection))
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}

/// The constant `SQLITE_TRANSIENT`, which tells SQLite to copy the bytes. C defines it as a cast, which Swift does not
/// import.
private nonisolated(unsafe) let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

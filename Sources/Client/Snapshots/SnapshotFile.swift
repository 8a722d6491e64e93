import FoundationEssentials
import GRDB
import Glibc
import ModelFiles
package import Wire

/// A snapshot in a separate file: a plain SQLite database with the tables that the protocol's documentation describes.
package final class SnapshotFile {
    /// SQLite's `application_id`, which identifies the file format: "Slce".
    static let applicationID: Int32 = 0x536C_6365
    /// SQLite's `user_version`, which holds the version of the tables.
    static let version: Int32 = 1

    private let path: String
    private let database: DatabaseQueue

    /// Creates a file under a temporary name. An existing file is kept until ``finish(mode:)`` replaces it.
    ///
    /// - Parameter path: The path of the file.
    /// - Throws: ``ClientError`` with the status `inputOutput` if the file cannot be written.
    package init(writingTo path: String) throws(ClientError) {
        self.path = path
        do {
            let part = Self.part(of: path)
            try? FileManager.default.removeItem(atPath: part)
            // State may be secret, so only the owner may read the file, regardless of the umask.
            let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else {
                throw ClientError(.cannotCreate, "cannot write \(path): \(SystemError.text)")
            }
            close(descriptor)
            database = try DatabaseQueue(path: part)
            try database.write { db in
                try db.execute(
                    sql: """
                        PRAGMA application_id = \(Self.applicationID);
                        PRAGMA user_version = \(Self.version);
                        CREATE TABLE stream (
                            id TEXT NOT NULL PRIMARY KEY,
                            model TEXT NOT NULL,
                            fingerprint TEXT NOT NULL,
                            sequence TEXT NOT NULL,
                            step TEXT NOT NULL,
                            time INTEGER NOT NULL,
                            label INTEGER,
                            gap_pending INTEGER NOT NULL,
                            state BLOB NOT NULL
                        ) WITHOUT ROWID;
                        """)
            }
        } catch {
            throw error as? ClientError ?? ClientError(.inputOutput, "cannot write \(path): \(error)")
        }
    }

    /// Opens a file.
    ///
    /// - Parameter path: The path of the file.
    /// - Throws: ``ClientError`` with the status `noInput` if the file cannot be read, or `data` if it is not a
    ///   snapshot of a known version.
    package init(readingFrom path: String) throws(ClientError) {
        self.path = path
        guard unsafe access(path, R_OK) == 0 else {
            throw ClientError(.noInput, "cannot read \(path): \(SystemError.text)")
        }
        let version: Int32
        do {
            var configuration = Configuration()
            configuration.readonly = true
            database = try DatabaseQueue(path: path, configuration: configuration)
            version = try database.read { db in
                guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == Self.applicationID else { return 0 }
                return try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            }
        } catch {
            throw ClientError(
                .data,
                "\(path) is not a snapshot, or it is damaged; give a file that 'sluice snapshot --output FILE' wrote")
        }
        guard version == Self.version else {
            let problem =
                version == 0
                ? "not a snapshot; give a file that 'sluice snapshot --output FILE' wrote"
                : "from a later version of Sluice; use that version"
            throw ClientError(.data, "\(path) is \(problem)")
        }
    }

    /// Writes streams.
    ///
    /// - Parameter streams: The streams. Each stream may occur only once in a file.
    /// - Throws: ``ClientError`` if the streams cannot be written.
    package func append(_ streams: [StreamExport]) throws(ClientError) {
        do {
            try database.write { db in
                let insert = try db.cachedStatement(sql: "INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                for stream in streams {
                    guard let state = Data(base64Encoded: stream.state) else {
                        throw ClientError(.protocol, "the state of stream '\(stream.stream)' is not base64")
                    }
                    try insert.execute(arguments: [
                        stream.stream, stream.model, stream.fingerprint, "\(stream.sequence)", "\(stream.step)",
                        stream.time, stream.label.map { Int64($0) }, stream.gapPending, state,
                    ])
                }
            }
        } catch {
            throw error as? ClientError ?? ClientError(.inputOutput, "cannot write \(path): \(error)")
        }
    }

    /// Moves the complete and durable file to its final path.
    ///
    /// - Parameter mode: The file's permissions, regardless of the umask.
    /// - Throws: ``ClientError`` if the move fails.
    package func finish(mode: UInt16 = 0o600) throws(ClientError) {
        do {
            try database.close()
        } catch {
            throw ClientError(.inputOutput, "cannot write \(path): \(error)")
        }
        let part = Self.part(of: path)
        guard unsafe chmod(part, mode_t(mode)) == 0, unsafe rename(part, path) == 0 else {
            throw ClientError(.inputOutput, "cannot write \(path): \(unsafe String(cString: strerror(errno)))")
        }
    }

    /// Visits the streams in pages that are small enough for one request.
    ///
    /// - Parameter body: Called with each page.
    /// - Throws: ``ClientError`` if the file is damaged, or the error of `body`.
    package func forEachPage(_ body: ([StreamExport]) throws(ClientError) -> Void) throws(ClientError) {
        var last = ""
        while true {
            let page: [StreamExport]
            do {
                page = try database.read { try Self.page($0, after: last) }
            } catch {
                throw error as? ClientError
                    ?? ClientError(
                        .data, "\(path) is damaged (\(error)); write it again with 'sluice snapshot --output FILE'")
            }
            guard let end = page.last?.stream else { return }
            last = end
            try body(page)
        }
    }

    /// The maximum size of the state in one page, in bytes. With base64 encoding and the other members, a page stays
    /// below the limit of 1 MiB for a request.
    private static let pageBytes = 400_000
    private static let pageStreams = 1_000

    private static func page(_ db: Database, after last: String) throws -> [StreamExport] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT * FROM stream WHERE id > ? ORDER BY id LIMIT ?", arguments: [last, pageStreams])
        var page: [StreamExport] = []
        var bytes = 0
        while let row = try rows.next() {
            let state: Data = row["state"]
            bytes += state.count
            guard page.isEmpty || bytes <= pageBytes else { break }
            let id: String = row["id"]
            guard let sequence = UInt64(row["sequence"] as String), let step = UInt64(row["step"] as String) else {
                throw ClientError(.data, "stream '\(id)' has a sequence or a step that is not a number")
            }
            page.append(
                StreamExport(
                    stream: id, model: row["model"], fingerprint: row["fingerprint"], sequence: sequence, step: step,
                    time: row["time"], label: (row["label"] as Int64?).flatMap { UInt8(exactly: $0) },
                    gapPending: row["gap_pending"], state: state.base64EncodedString()))
        }
        return page
    }

    private static func part(of path: String) -> String { "\(path).part" }
}

import Foundation
import GRDB
import Store
import Streams
import TestSupport
import Testing

@Suite struct `A database of another version` {
    @Test func `a database of schema 1 keeps its streams and snapshots`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Fixtures.url("state/version1.sqlite"), to: folder.url(StateStore.fileName))
        let old = try rows(of: folder.path(StateStore.fileName))
        let store = try StateStore(folder: folder.path)
        let images = try streams(of: store)
        #expect(images.map(\.id) == ["café", "meter 流", "s000"])
        #expect(images.map(\.sequence) == [1, 2, 240])
        #expect(images.map(\.step) == [1, 2, 240])
        #expect(images.map(\.label) == [1, 0, 1])
        #expect(images.map { $0.values.map(\.bitPattern) } == old)
        #expect(store.position == 0)
        let monday = try store.streams(ofSnapshot: "monday", .all)
        #expect(monday.map(\.id).sorted() == ["café", "gone", "meter 流", "s000"])
        #expect(monday.first { $0.id == "s000" }?.values == images.last?.values)
    }

    @Test func `a journal of a later version is refused`() throws {
        let folder = try TemporaryFolder()
        do {
            let store = try StateStore(folder: folder.path)
            try store.begin(Journal(folder: folder.path, of: store), journalKind: .full)
            try store.end()
        }
        let queue = try DatabaseQueue(path: folder.path(Journal.fileName))
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('later')") }
        try queue.close()
        let store = try StateStore(folder: folder.path)
        let error = try #require(throws: StoreError.self) { try Journal(folder: folder.path, of: store) }
        #expect(error.code == .laterVersion)
        #expect(error.description.contains(folder.path(Journal.fileName)))
    }

    /// Reads the values of the streams directly with SQLite, without the store. Returns the values in the order of the
    /// ids.
    private func rows(of database: String) throws -> [[UInt32]] {
        let queue = try DatabaseQueue(path: database)
        defer { try? queue.close() }
        return try queue.read { db in
            try Data.fetchAll(db, sql: #"SELECT "values" FROM stream ORDER BY id"#).map { data in
                stride(from: 0, to: data.count, by: 4).map { offset in
                    data[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
                }
            }
        }
    }
}

import Foundation
import GRDB
import Store
import Streams
import TestSupport
import Testing

/// The store's folder: checkpoints, reopening, and what is refused.
struct StateStoreTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private var database: String { folder.path(StateStore.fileName) }

    private func sorted(_ images: [StreamImage]) -> [StreamImage] {
        images.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    }

    static let extremes: [Float] = [
        0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude,
        -.greatestFiniteMagnitude, 1 / 3, .pi, 1e-30,
    ]

    static let images = [
        image("plain"),
        image("large numbers", sequence: .max, step: (1 << 63) + 1, time: .max),
        image("before 1970", sequence: 0, step: 0, time: .min),
        image("no label", label: nil),
        image("label 0", label: 0),
        image("label 255", label: 255, gapPending: true),
        image("extreme floats", values: extremes),
        image("no floats", values: []),
        image("other weights", fingerprint: "g"),
        image("流 😀 '\"%_\\"),
        image("caf\u{E9}", sequence: 1),
        image("cafe\u{301}", sequence: 2),
        image(String(repeating: "x", count: 255)),
    ]

    @Test(arguments: [true, false])
    func `images come back as they were written`(isInMemory: Bool) throws {
        let store = try StateStore(folder: isInMemory ? nil : folder.path)
        #expect(try store.streams().isEmpty)
        try store.checkpoint(Self.images, removing: [])
        let read = try sorted(store.streams())
        let expected = sorted(Self.images)
        #expect(read == expected)
        #expect(read.map { Array($0.id.utf8) } == expected.map { Array($0.id.utf8) })
        #expect(read.map { $0.values.map(\.bitPattern) } == expected.map { $0.values.map(\.bitPattern) })
        #expect(FileManager.default.fileExists(atPath: database) == !isInMemory)
    }

    @Test func `a checkpoint replaces, adds and removes, and leaves the rest`() throws {
        let store = try StateStore(folder: folder.path)
        try store.checkpoint([image("a"), image("b"), image("c")], removing: [])
        try store.checkpoint([image("b", sequence: 9), image("d")], removing: ["c", "not there"])
        #expect(try sorted(store.streams()) == [image("a"), image("b", sequence: 9), image("d")])
        try store.checkpoint([], removing: [])
        #expect(try store.streams().count == 3)
    }

    @Test func `a stream that is removed and written in one checkpoint is there`() throws {
        let store = try StateStore(folder: folder.path)
        try store.checkpoint([image("a", sequence: 8, label: 1)], removing: [])
        try store.checkpoint([image("a", fingerprint: "g", sequence: 1, label: nil, values: [2])], removing: ["a"])
        #expect(try store.streams() == [image("a", fingerprint: "g", sequence: 1, label: nil, values: [2])])
    }

    @Test func `streams are told apart by the bytes of their ids when they are removed`() throws {
        let store = try StateStore(folder: folder.path)
        try store.checkpoint([image("caf\u{E9}", sequence: 1), image("cafe\u{301}", sequence: 2)], removing: [])
        try store.checkpoint([], removing: ["cafe\u{301}"])
        #expect(try store.streams().map { Array($0.id.utf8) } == [Array("caf\u{E9}".utf8)])
    }

    @Test func `what was written is there when the folder is opened again`() throws {
        do {
            let store = try StateStore(folder: folder.path)
            try store.checkpoint(Self.images, removing: [])
            _ = try store.saveSnapshot("n", of: Self.images, time: 5)
        }
        for _ in 0..<2 {
            let store = try StateStore(folder: folder.path)
            #expect(try sorted(store.streams()) == sorted(Self.images))
            #expect(try store.snapshots().map(\.name) == ["n"])
            try store.checkpoint([image("plain")], removing: [])
        }
    }

    @Test func `what was written survives an abrupt end`() throws {
        let store = try StateStore(folder: folder.path)
        try store.checkpoint(Self.images, removing: [])
        try store.checkpoint([image("plain", sequence: 77)], removing: ["label 0"])
        _ = try store.saveSnapshot("n", of: [image("plain")], time: 5)

        // The files as a crash at this moment would leave them: the store is still open.
        let crashed = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            try FileManager.default.copyItem(atPath: folder.path(name), toPath: crashed.path(name))
        }
        #expect(FileManager.default.fileExists(atPath: crashed.path(StateStore.fileName + "-wal")))
        let reopened = try StateStore(folder: crashed.path)
        #expect(try sorted(reopened.streams()) == sorted(store.streams()))
        #expect(try reopened.streams().first { $0.id == "plain" }?.sequence == 77)
        #expect(try reopened.streams(ofSnapshot: "n", .all) == [image("plain")])
    }

    @Test func `a folder within folders that are not there is created`() throws {
        let deep = folder.path("a/b/c")
        let store = try StateStore(folder: deep)
        try store.checkpoint([image("a")], removing: [])
        #expect(FileManager.default.fileExists(atPath: "\(deep)/\(StateStore.fileName)"))
    }

    @Test func `a second store on the same folder is refused while the first is open`() throws {
        do {
            let first = try StateStore(folder: folder.path)
            try first.checkpoint([image("a")], removing: [])
            let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
            #expect(error.code == .inUse)
            #expect(error.description.contains(database))
            try first.checkpoint([image("b")], removing: [])
            #expect(try first.streams().count == 2)
        }
        #expect(try StateStore(folder: folder.path).streams().count == 2)
    }

    @Test func `a new folder is taken from the start, before anything is written`() throws {
        let first = try StateStore(folder: folder.path)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .inUse)
        #expect(try first.streams().isEmpty)
    }

    @Test(arguments: ["file/state", "file", "/proc/sluice/state", ""])
    func `a folder that cannot be created is refused`(name: String) throws {
        _ = try folder.write("no folder", to: "file")
        let path = name.isEmpty || name.hasPrefix("/") ? name : folder.path(name)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: path) }
        #expect(error.code == .cannotOpen)
        #expect(error.description.contains("folder \(path)"))
    }

    @Test func `a folder where the database should be is refused`() throws {
        try FileManager.default.createDirectory(atPath: database, withIntermediateDirectories: true)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .cannotOpen)
    }

    @Test func `a file that is no database is refused, and stays as it is`() throws {
        let text = String(repeating: "This is no database. ", count: 500)
        _ = try folder.write(text, to: StateStore.fileName)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .cannotOpen)
        #expect(error.description.contains(database))
        #expect(!error.description.contains("\n"))
        #expect(try String(contentsOfFile: database, encoding: .utf8) == text)
    }

    @Test func `an empty file is a new database`() throws {
        _ = try folder.write("", to: StateStore.fileName)
        #expect(try StateStore(folder: folder.path).streams().isEmpty)
    }

    @Test func `a database of a later version is refused, and stays as it is`() throws {
        do {
            try StateStore(folder: folder.path).checkpoint([image("a")], removing: [])
        }
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('later')") }
        try queue.close()
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .laterVersion)
        #expect(error.description.contains(database))
        let again = try DatabaseQueue(path: database)
        #expect(try again.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM stream") } == 1)
    }

    @Test func `a database of somebody else is refused`() throws {
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: "CREATE TABLE stream (something TEXT)") }
        try queue.close()
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .cannotOpen)
    }

    @Test func `values of another length than whole floats give none, which no model takes`() throws {
        do {
            try StateStore(folder: folder.path).checkpoint([image("a")], removing: [])
        }
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: "UPDATE stream SET \"values\" = x'000000'") }
        try queue.close()
        #expect(try StateStore(folder: folder.path).streams().map(\.values) == [[]])
    }
}

/// An image of which a test names what matters to it.
func image(
    _ id: String, fingerprint: String = "f", sequence: UInt64 = 3, step: UInt64 = 2, time: Int64 = 1,
    label: UInt8? = 1, gapPending: Bool = false, values: [Float] = [0.5, -0.25]
) -> StreamImage {
    StreamImage(
        id: id, fingerprint: fingerprint, sequence: sequence, step: step, time: time, label: label,
        gapPending: gapPending, values: values)
}

import Foundation
import GRDB
import Store
import Streams
import TestSupport
import Testing
import Wire

@Suite struct `The state store` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private var database: String { folder.path(StateStore.fileName) }

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
    func `images are read exactly as they were written`(isInMemory: Bool) throws {
        let store = try StateStore(folder: isInMemory ? nil : folder.path)
        #expect(try streams(of: store).isEmpty)
        try store.write(slice(Self.images))
        let read = try streams(of: store)
        #expect(read == Self.images)
        #expect(read.map { Array($0.id.utf8) } == Self.images.map { Array($0.id.utf8) })
        #expect(read.map { $0.values.map(\.bitPattern) } == Self.images.map { $0.values.map(\.bitPattern) })
        #expect(FileManager.default.fileExists(atPath: database) == !isInMemory)
    }

    @Test func `keys and positions are read exactly as they were written, in the order of keys`() throws {
        let store = try StateStore(folder: folder.path)
        try store.write(slice([image("far")], from: 4_000_000_000, position: 7))
        try store.write(slice([image("near"), image("nearer")], from: 3, position: .max))
        var entries: [StreamSlice.Entry] = []
        try store.forEachSlice { entries += $0.entries }
        #expect(entries.map(\.key) == [3, 4, 4_000_000_000])
        #expect(entries.map(\.position) == [.max, .max, 7])
    }

    @Test func `a store reads more streams than fit into one slice`() throws {
        let store = try StateStore(folder: folder.path)
        let images = (0..<10_000).map { image("s\($0)", sequence: UInt64($0), values: [Float($0)]) }
        try store.write(slice(images))
        #expect(try streams(of: store) == images)
    }

    @Test func `a slice replaces, adds and removes streams, and keeps the others`() throws {
        let store = try StateStore(folder: folder.path)
        try store.write(slice([image("a"), image("b"), image("c")]))
        var next = slice([image("b", sequence: 9)], from: 1)
        next.removedKeys = [2, 77]
        try store.write(next)
        try store.write(slice([image("d")], from: 3))
        #expect(try streams(of: store) == [image("a"), image("b", sequence: 9), image("d")])
        try store.write(slice([]))
        #expect(try streams(of: store).count == 3)
    }

    @Test func `a key that is reassigned belongs only to the new stream`() throws {
        let store = try StateStore(folder: folder.path)
        try store.write(slice([image("a", sequence: 8, label: 1)]))
        try store.write(slice([image("b", fingerprint: "g", sequence: 1, label: nil, values: [2])]))
        #expect(try streams(of: store) == [image("b", fingerprint: "g", sequence: 1, label: nil, values: [2])])
    }

    @Test func `the position of the last checkpoint is kept`() throws {
        do {
            let store = try StateStore(folder: folder.path)
            #expect(store.position == 0)
            try store.endCheckpoint(at: 5)
            try store.endCheckpoint(at: .max)
        }
        #expect(try StateStore(folder: folder.path).position == .max)
    }

    @Test func `written streams and snapshots survive when the folder is opened again`() throws {
        do {
            let store = try StateStore(folder: folder.path)
            try store.write(slice(Self.images))
            _ = try store.saveSnapshot("n", of: slice(Self.images), time: 5)
        }
        for _ in 0..<2 {
            let store = try StateStore(folder: folder.path)
            #expect(try streams(of: store) == Self.images)
            #expect(try store.snapshots().map(\.name) == ["n"])
            try store.write(slice([image("plain")]))
        }
    }

    @Test func `written streams and snapshots survive an abrupt end`() throws {
        let store = try StateStore(folder: folder.path)
        try store.write(slice(Self.images))
        var next = slice([image("plain", sequence: 77)])
        next.removedKeys = [4]
        try store.write(next)
        _ = try store.saveSnapshot("n", of: slice([image("plain")]), time: 5)

        // Copy the files while the store is open, to get the files that a crash would leave at this moment.
        let crashed = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            try FileManager.default.copyItem(atPath: folder.path(name), toPath: crashed.path(name))
        }
        #expect(FileManager.default.fileExists(atPath: crashed.path(StateStore.fileName + "-wal")))
        let reopened = try StateStore(folder: crashed.path)
        #expect(try streams(of: reopened) == streams(of: store))
        #expect(try streams(of: reopened).first?.sequence == 77)
        #expect(try reopened.streams(ofSnapshot: "n", .all) == [image("plain")])
    }

    @Test func `a folder is created with its missing parents`() throws {
        let deep = folder.path("a/b/c")
        let store = try StateStore(folder: deep)
        try store.write(slice([image("a")]))
        #expect(FileManager.default.fileExists(atPath: "\(deep)/\(StateStore.fileName)"))
    }

    @Test func `a second store on the same folder is refused while the first is open`() throws {
        do {
            let first = try StateStore(folder: folder.path)
            try first.write(slice([image("a")]))
            let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
            #expect(error.code == .inUse)
            #expect(error.description.contains(database))
            try first.write(slice([image("b")], from: 1))
            #expect(try streams(of: first).count == 2)
        }
        #expect(try streams(of: StateStore(folder: folder.path)).count == 2)
    }

    @Test func `a database that another program has locked is refused unchanged`() throws {
        try StateStore(folder: folder.path).write(slice([image("a")]))
        do {
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: database, configuration: configuration)
            try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
            #expect(error.code == .inUse)
            #expect(error.description.contains("another program"))
            try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        }
        #expect(try streams(of: StateStore(folder: folder.path)).count == 1)
    }

    @Test func `a new folder is locked before anything is written`() throws {
        let first = try StateStore(folder: folder.path)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .inUse)
        #expect(try streams(of: first).isEmpty)
    }

    @Test(arguments: ["file/state", "file", "/proc/sluice/state", ""])
    func `a folder that cannot be created is refused`(name: String) throws {
        _ = try folder.write("no folder", to: "file")
        let path = name.isEmpty || name.hasPrefix("/") ? name : folder.path(name)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: path) }
        #expect(error.code == .cannotOpen)
        #expect(error.description.contains("folder \(path)"))
    }

    @Test func `a folder in the place of the database is refused`() throws {
        try FileManager.default.createDirectory(atPath: database, withIntermediateDirectories: true)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .cannotOpen)
    }

    @Test func `a file that is not a database is refused unchanged`() throws {
        let text = String(repeating: "This is no database. ", count: 500)
        _ = try folder.write(text, to: StateStore.fileName)
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .damaged)
        #expect(error.description.contains(database))
        #expect(!error.description.contains("\n"))
        #expect(try String(contentsOfFile: database, encoding: .utf8) == text)
    }

    @Test func `an empty file is a new database`() throws {
        _ = try folder.write("", to: StateStore.fileName)
        #expect(try streams(of: StateStore(folder: folder.path)).isEmpty)
    }

    @Test func `a database of a later version is refused unchanged`() throws {
        do {
            try StateStore(folder: folder.path).write(slice([image("a")]))
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

    @Test func `a database of another program is refused`() throws {
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: "CREATE TABLE stream (something TEXT)") }
        try queue.close()
        let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
        #expect(error.code == .cannotOpen)
    }

    @Test func `values that another program has changed are refused unchanged`() throws {
        do {
            try StateStore(folder: folder.path).write(slice([image("a")]))
        }
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: "UPDATE stream SET \"values\" = x'000000'") }
        try queue.close()
        let before = try Data(contentsOf: folder.url(StateStore.fileName))
        let store = try StateStore(folder: folder.path)
        let error = try #require(throws: StoreError.self) { try streams(of: store) }
        #expect(error.code == .damaged)
        #expect(error.description.contains("stream \"a\""))
        #expect(try Data(contentsOf: folder.url(StateStore.fileName)) == before)
    }
}

/// Creates an image. A test sets only the properties that matter to it.
func image(
    _ id: String, fingerprint: String = "f", sequence: UInt64 = 3, step: UInt64 = 2, time: Int64 = 1,
    label: UInt8? = 1, gapPending: Bool = false, values: [Float] = [0.5, -0.25]
) -> StreamImage {
    StreamImage(
        id: id, fingerprint: fingerprint, sequence: sequence, step: step, time: time, label: label,
        gapPending: gapPending, values: values)
}

/// Returns a slice of images with consecutive keys.
func slice(_ images: [StreamImage], from key: UInt32 = 0, position: UInt64 = 0) -> StreamSlice {
    let fingerprints = Set(images.map(\.fingerprint)).sorted()
    var slice = StreamSlice(fingerprints: fingerprints)
    for (number, image) in images.enumerated() {
        let entry = StreamSlice.Entry(
            key: key + UInt32(number), weights: fingerprints.firstIndex(of: image.fingerprint) ?? 0,
            sequence: image.sequence, step: image.step, time: image.time, label: image.label,
            gapPending: image.gapPending, position: position)
        slice.append(entry, id: Array(image.id.utf8).span, values: image.values.span)
    }
    return slice
}

/// Returns all streams of a store, in the order of their keys.
func streams(of store: StateStore) throws -> [StreamImage] {
    var images: [StreamImage] = []
    try store.forEachSlice { images += $0.images }
    return images
}

extension StateStore {
    /// Saves streams as a snapshot.
    func saveSnapshot(_ name: String, of slice: StreamSlice, time: Int64) throws -> SnapshotStatus {
        let snapshot = StagedSnapshot(name, time: time)
        try begin(snapshot)
        try stage(slice, of: snapshot)
        return try finish(snapshot)
    }

    /// Returns the streams of a snapshot, read in pages of two.
    func streams(ofSnapshot name: String, _ selection: ControlCommand.Selection) throws -> [StreamImage] {
        var (images, after) = ([StreamImage](), String?.none)
        repeat {
            let page = try page(ofSnapshot: name, selection, after: after, limit: 2)
            images += page.slice.images
            after = page.next
        } while after != nil
        return images
    }
}

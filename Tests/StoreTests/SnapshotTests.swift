import Store
import Streams
import Testing
import Wire

@Suite struct `A snapshot` {
    private let store: StateStore

    init() throws {
        store = try StateStore(folder: nil)
    }

    private func ids(_ name: String, _ selection: ControlCommand.Selection) throws -> [String] {
        try store.streams(ofSnapshot: name, selection).map(\.id).sorted()
    }

    @Test func `snapshots are listed with the status from their creation, oldest first`() throws {
        #expect(try store.snapshots().isEmpty)
        let later = try store.saveSnapshot(
            "later", of: slice([image("a", fingerprint: "g"), image("b"), image("c", values: [1, 2, 3])]), time: 20)
        #expect(later == SnapshotStatus(name: "later", streams: 3, bytes: 28, time: 20, models: ["f", "g"]))
        let earlier = try store.saveSnapshot("earlier", of: slice([image("a")]), time: 10)
        let empty = try store.saveSnapshot("empty", of: slice([]), time: 30)
        #expect(empty == SnapshotStatus(name: "empty", streams: 0, bytes: 0, time: 30, models: []))
        #expect(try store.snapshots() == [earlier, later, empty])
    }

    @Test func `a snapshot keeps its streams, whatever is written later`() throws {
        try store.write(slice([image("a", sequence: 1)]))
        _ = try store.saveSnapshot("one", of: slice([image("a", sequence: 1)]), time: 1)
        _ = try store.saveSnapshot("two", of: slice([image("a", sequence: .max, label: nil)]), time: 2)
        try store.write(slice([image("a", sequence: 3)]))
        var removal = slice([])
        removal.removedKeys = [0]
        try store.write(removal)
        #expect(try store.streams(ofSnapshot: "one", .all) == [image("a", sequence: 1)])
        #expect(try store.streams(ofSnapshot: "two", .all) == [image("a", sequence: .max, label: nil)])
        #expect(try streams(of: store).isEmpty)
    }

    static let known = [
        "a", "a%", "a%b", "ab", "a_", "a_b", "axb", "A", "[a]", "a*", "a\\", "a'", "caf\u{E9}", "cafe\u{301}",
    ]

    static let prefixes = [
        "", "a", "a%", "a_", "%", "_", "A", "[a", "a*", "*", "?", "a\\", "a'", "caf", "cafe", "b", "ab",
    ]

    @Test(arguments: prefixes)
    func `a prefix selects streams by its bytes, whatever its characters`(prefix: String) throws {
        _ = try store.saveSnapshot("n", of: slice(Self.known.map { image($0) }), time: 1)
        let expected = Self.known.filter { $0.utf8.starts(with: prefix.utf8) }
        let found = try ids("n", .prefix(prefix)).map { Array($0.utf8) }
        #expect(Set(found) == Set(expected.map { Array($0.utf8) }))
        #expect(found.count == expected.count)
    }

    @Test(arguments: known)
    func `a stream of a snapshot is found by its bytes`(id: String) throws {
        _ = try store.saveSnapshot("n", of: slice(Self.known.map { image($0) }), time: 1)
        #expect(try ids("n", .stream(id)).map { Array($0.utf8) } == [Array(id.utf8)])
    }

    @Test func `a selection of missing streams is empty`() throws {
        _ = try store.saveSnapshot("n", of: slice([image("a")]), time: 1)
        #expect(try ids("n", .stream("b")).isEmpty)
        #expect(try ids("n", .prefix("b")).isEmpty)
        #expect(try ids("n", .all) == ["a"])
    }

    @Test func `a name that is already in use is refused, and nothing changes`() throws {
        let first = try store.saveSnapshot("n", of: slice([image("a")]), time: 1)
        let error = try #require(throws: StoreError.self) {
            try store.saveSnapshot("n", of: slice([image("b"), image("c")]), time: 2)
        }
        #expect(error.code == .snapshotExists)
        #expect(error.description.contains("'n'"))
        #expect(try store.snapshots() == [first])
        #expect(try ids("n", .all) == ["a"])
    }

    @Test func `a snapshot that fails halfway does not exist`() throws {
        // A snapshot may contain a stream only once, so the second image makes the call fail.
        let error = try #require(throws: StoreError.self) {
            try store.saveSnapshot("n", of: slice([image("a"), image("a")]), time: 1)
        }
        #expect(error.code == .failed)
        #expect(try store.snapshots().isEmpty)
        #expect(try store.saveSnapshot("n", of: slice([image("a")]), time: 1).streams == 1)
    }

    @Test func `a snapshot is deleted with its streams, and its name is available again`() throws {
        _ = try store.saveSnapshot("n", of: slice([image("a"), image("b")]), time: 1)
        _ = try store.saveSnapshot("other", of: slice([image("a")]), time: 2)
        try store.deleteSnapshot("n")
        #expect(try store.snapshots().map(\.name) == ["other"])
        #expect(try ids("other", .all) == ["a"])
        #expect(throws: StoreError.self) { try ids("n", .all) }
        _ = try store.saveSnapshot("n", of: slice([image("c")]), time: 3)
        #expect(try ids("n", .all) == ["c"])
    }

    @Test func `a request on a missing snapshot gets the error noSuchSnapshot`() throws {
        let attempts: [() throws -> Void] = [
            { try store.deleteSnapshot("n") }, { _ = try store.streams(ofSnapshot: "n", .all) },
            { _ = try store.streams(ofSnapshot: "n", .stream("a")) }, { try store.deleteSnapshot("") },
        ]
        for attempt in attempts {
            let error = try #require(throws: StoreError.self) { try attempt() }
            #expect(error.code == .noSuchSnapshot)
        }
    }

    @Test func `calls from many threads are serialized`() async throws {
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for place in 0..<20 {
                group.addTask {
                    try store.write(slice([image("s\(place)")], from: UInt32(place)))
                    _ = try store.saveSnapshot("n\(place)", of: slice([image("s\(place)")]), time: Int64(place))
                }
            }
            try await group.waitForAll()
        }
        #expect(try streams(of: store).count == 20)
        #expect(try store.snapshots().map(\.name) == (0..<20).map { "n\($0)" })
    }
}

import Foundation
import GRDB
import Store
import Streams
import TestSupport
import Testing

@Suite struct `A snapshot in slices` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Returns the number of rows in the table `snapshot_stream` of a closed store.
    private func rows() throws -> Int {
        let queue = try DatabaseQueue(path: folder.path(StateStore.fileName))
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM snapshot_stream") ?? 0 }
    }

    /// Deletes leftover streams, two at a time. Returns the number of calls that deleted some.
    private func clean(_ store: StateStore) throws -> Int {
        var times = 0
        while try store.removeLeftovers(limit: 2) { times += 1 }
        return times
    }

    @Test func `a snapshot of many slices is visible only when it is finished`() throws {
        let store = try StateStore(folder: folder.path)
        let before = try store.saveSnapshot("before", of: slice([image("z")]), time: 1)
        let snapshot = StagedSnapshot("n", time: 5)
        try store.begin(snapshot)
        try store.stage(slice([image("c", values: [1, 2, 3]), image("a", fingerprint: "g")]), of: snapshot)
        try store.stage(slice([image("b")]), of: snapshot)
        #expect(try store.snapshots() == [before])
        for name in ["n", ""] {
            let attempts: [() throws -> Void] = [
                { _ = try store.page(ofSnapshot: name, after: nil, limit: 9) },
                { _ = try store.streams(ofSnapshot: name, named: ["a"]) }, { try store.deleteSnapshot(name) },
            ]
            for attempt in attempts {
                let error = try #require(throws: StoreError.self) { try attempt() }
                #expect(error.code == .noSuchSnapshot)
            }
        }
        // The streams of an unfinished snapshot do not count as leftovers.
        #expect(try clean(store) == 0)

        let status = try store.finish(snapshot)
        #expect(status.streams == 3 && status.bytes == 28 && status.models == ["f", "g"] && status.time == 5)
        #expect(try store.snapshots() == [before, status])
        #expect(try store.streams(ofSnapshot: "n", .all).map(\.id) == ["a", "b", "c"])
        #expect(try store.streams(ofSnapshot: "n", named: ["c", "x", "a"]).images.map(\.id) == ["c", "a"])
        #expect(throws: StoreError.self) { try store.finish(snapshot) }
    }

    @Test func `streams of the last checkpoint are copied within the store`() throws {
        let store = try StateStore(folder: folder.path)
        let images = (0..<9_000).map { image("s\($0)", sequence: UInt64($0)) }
        try store.write(slice(images, from: 7))
        let snapshot = StagedSnapshot("n", time: 5)
        try store.begin(snapshot)
        try store.stage((7..<9_000).map { UInt32($0) }, of: snapshot)
        try store.stage(slice([image("awake")]), of: snapshot)
        #expect(try store.finish(snapshot).streams == 8_994)
        let found = try store.streams(ofSnapshot: "n", named: ["s0", "s8992", "s8993"])
        #expect(found.images == [images[0], images[8992]])
    }

    @Test func `a crash during a snapshot leaves no snapshot and no damage, and is cleaned up`() throws {
        do {
            let store = try StateStore(folder: folder.path)
            try store.write(slice([image("a"), image("b")]))
            _ = try store.saveSnapshot("whole", of: slice([image("a")]), time: 1)
            let snapshot = StagedSnapshot("n", time: 5)
            try store.begin(snapshot)
            try store.stage(slice((0..<5).map { image("s\($0)", fingerprint: "h") }), of: snapshot)
            try store.endCheckpoint(at: 0)
        }
        #expect(try rows() == 6)
        let copy = try TemporaryFolder()
        for file in StateExamination.files where FileManager.default.fileExists(atPath: folder.path(file)) {
            try FileManager.default.copyItem(atPath: folder.path(file), toPath: copy.path(file))
        }
        let examination = try StateExamination(ofCopy: copy.path, of: folder.path)
        #expect(examination.isSound, "\(examination.damages)")
        #expect(examination.snapshots.map(\.name) == ["whole"])

        do {
            let store = try StateStore(folder: folder.path)
            try store.begin()
            #expect(try store.snapshots().map(\.name) == ["whole"])
            #expect(try clean(store) == 3)
            #expect(try store.saveSnapshot("n", of: slice([image("s1")]), time: 6).streams == 1)
        }
        #expect(try rows() == 2)
        let store = try StateStore(folder: folder.path)
        try store.begin()
        #expect(try store.streams(ofSnapshot: "n", .all).map(\.id) == ["s1"])
        #expect(try store.streams(ofSnapshot: "whole", .all).map(\.id) == ["a"])
    }

    @Test func `a salvage does not keep the leftover streams of unfinished snapshots`() throws {
        do {
            let store = try StateStore(folder: folder.path)
            try store.write(slice((0..<40).map { image("s\($0)") }))
            _ = try store.saveSnapshot("whole", of: slice([image("a")]), time: 1)
            let snapshot = StagedSnapshot("n", time: 5)
            try store.begin(snapshot)
            try store.stage(slice([image("b"), image("c")]), of: snapshot)
            try store.endCheckpoint(at: 0)
        }
        let queue = try DatabaseQueue(path: folder.path(StateStore.fileName))
        try queue.write { try $0.execute(sql: "UPDATE stream SET step = 77 WHERE key = 3") }
        try queue.close()
        let salvage = try StateSalvage(of: folder.path, time: 0)
        #expect(salvage.lost == 1 && salvage.lostSnapshots.isEmpty)
        #expect(try rows() == 1)
    }

    @Test func `a name in use at the beginning or the end is refused, and the other snapshot stays`() throws {
        for isTakenSince in [false, true] {
            let store = try StateStore(folder: nil)
            let snapshot = StagedSnapshot("n", time: 5)
            let other = StagedSnapshot("n", time: 6)
            try store.begin(snapshot)
            if isTakenSince { try store.begin(other) }
            try store.stage(slice([image("a"), image("b"), image("c")]), of: snapshot)
            let status = try store.finish(snapshot)
            if isTakenSince {
                try store.stage(slice([image("a")]), of: other)
            } else {
                #expect(throws: StoreError.self) { try store.begin(other) }
                #expect(throws: StoreError.self) { try store.stage(slice([image("a")]), of: other) }
            }
            let error = try #require(throws: StoreError.self) { try store.finish(other) }
            #expect(error.code == .snapshotExists)
            #expect(try store.snapshots() == [status])
            #expect(try clean(store) == (isTakenSince ? 1 : 0))
            #expect(try store.streams(ofSnapshot: "n", .all).count == 3)
        }
    }

    @Test func `a snapshot with a failed slice does not exist, and is cleaned up`() throws {
        let store = try StateStore(folder: folder.path)
        let snapshot = StagedSnapshot("n", time: 5)
        try store.begin(snapshot)
        try store.stage(slice([image("a")]), of: snapshot)
        // A snapshot may contain a stream only once.
        let error = try #require(throws: StoreError.self) { try store.stage(slice([image("a")]), of: snapshot) }
        #expect(throws: StoreError.self) { try store.stage(slice([image("b")]), of: snapshot) }
        let later = try #require(throws: StoreError.self) { try store.finish(snapshot) }
        #expect(error.code == .failed && later.description == error.description)
        #expect(try store.snapshots().isEmpty)
        #expect(try clean(store) == 1)
        #expect(try store.saveSnapshot("n", of: slice([image("a")]), time: 1).streams == 1)
    }

    @Test func `the streams of a discarded snapshot become leftovers`() throws {
        let store = try StateStore(folder: nil)
        let snapshot = StagedSnapshot("n", time: 5)
        try store.begin(snapshot)
        try store.stage(slice([image("a"), image("b"), image("c")]), of: snapshot)
        #expect(try clean(store) == 0)
        store.discard(snapshot)
        #expect(try clean(store) == 2)
        #expect(throws: StoreError.self) { try store.finish(snapshot) }
        #expect(try store.snapshots().isEmpty)
    }

    @Test func `the streams of a deleted snapshot are removed a few at a time`() throws {
        let store = try StateStore(folder: nil)
        _ = try store.saveSnapshot("n", of: slice((0..<5).map { image("s\($0)") }), time: 1)
        let other = try store.saveSnapshot("other", of: slice([image("s0")]), time: 2)
        try store.deleteSnapshot("n")
        // The name is available immediately.
        let again = try store.saveSnapshot("n", of: slice([image("s1")]), time: 3)
        #expect(try clean(store) == 3)
        #expect(try store.snapshots() == [other, again])
        #expect(try store.streams(ofSnapshot: "n", .all).map(\.id) == ["s1"])
        #expect(try store.streams(ofSnapshot: "other", .all).map(\.id) == ["s0"])
    }
}

import Foundation
import Store
import Streams
import TestSupport
import Testing

/// Tests how damaged files are set aside, and which state remains.
@Suite struct `The salvage of a damaged state folder` {
    /// Creates a folder as an orderly stop leaves it, with streams and two snapshots. Only the snapshot `second` has
    /// the stream `only-there`.
    private func makeFolder(_ streams: Int = 60, floats: Int = 20) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let images = Self.images(streams, floats)
        let store = try StateStore(folder: folder.path)
        try store.write(slice(images))
        try store.endCheckpoint(at: 0)
        _ = try store.saveSnapshot("first", of: slice(images), time: 1)
        _ = try store.saveSnapshot("second", of: slice(images + [image("only-there")]), time: 2)
        try store.end()
        return folder
    }

    private static func images(_ count: Int, _ floats: Int) -> [StreamImage] {
        (0..<count).map { number in
            image("stream-\(number)", values: (0..<floats).map { Float(number * 100 + $0) })
        }
    }

    private func change(_ folder: TemporaryFolder, _ body: (inout [UInt8]) throws -> Void) throws {
        var bytes = [UInt8](try Data(contentsOf: folder.url(StateStore.fileName)))
        try body(&bytes)
        try Data(bytes).write(to: folder.url(StateStore.fileName))
    }

    /// Checks that a folder is refused and stays unchanged.
    private func expectRefusal(_ folder: TemporaryFolder, _ comment: Comment) throws {
        let before = try folder.contents()
        let error = #expect(throws: StoreError.self, comment) {
            let store = try StateStore(folder: folder.path)
            try store.forEachSlice { _ in }
            try store.examineRest()
        }
        #expect(error?.code == .damaged, comment)
        #expect(try folder.contents() == before, comment)
    }

    /// Returns the contents of a sound folder.
    private func contents(
        of folder: TemporaryFolder
    ) throws -> (streams: [StreamImage], snapshots: [String: [StreamImage]]) {
        let store = try StateStore(folder: folder.path)
        let found = try streams(of: store)
        try store.examineRest()
        var snapshots: [String: [StreamImage]] = [:]
        for snapshot in try store.snapshots() {
            snapshots[snapshot.name] = try store.streams(ofSnapshot: snapshot.name, .all)
        }
        return (found, snapshots)
    }

    @Test func `a damaged stream of a snapshot costs that snapshot and nothing else`() throws {
        let folder = try makeFolder()
        let expected = try contents(of: folder)
        try change(folder) { bytes in
            let id = try #require(bytes.firstRange(of: Array("only-there".utf8)))
            bytes[id.upperBound + 4] ^= 1
        }
        try expectRefusal(folder, "a flipped bit")
        let salvage = try StateSalvage(of: folder.path, time: 0)
        #expect(salvage.kept == 60 && salvage.lost == 0 && salvage.lostSnapshots == ["second"])
        #expect(salvage.unprovedGeneration == nil)
        let found = try contents(of: folder)
        #expect(found.streams == expected.streams)
        #expect(found.snapshots == expected.snapshots.filter { $0.key == "first" })
    }

    @Test(arguments: [0, 1])
    func `whatever page is damaged, all remaining contents are as they were written`(kind: Int) throws {
        let original = try makeFolder(120, floats: 100)
        let expected = try contents(of: original)
        let pages = try Data(contentsOf: original.url(StateStore.fileName)).count / 4096
        var random = SplitMix64(seed: 5)
        var (refusals, most) = (0, 0)
        for page in stride(from: 1 + kind, to: pages, by: 3) {
            let folder = try TemporaryFolder()
            try folder.copyFiles(of: original.path)
            try change(folder) { bytes in
                for index in (page * 4096)..<((page + 1) * 4096) {
                    bytes[index] = kind == 0 ? 0 : UInt8.random(in: 0...255, using: &random)
                }
            }
            if let found = try? contents(of: folder) {
                #expect(found.streams == expected.streams && found.snapshots == expected.snapshots, "page \(page)")
                continue
            }
            refusals += 1
            try expectRefusal(folder, "page \(page)")
            let salvage = try StateSalvage(of: folder.path, time: 0)
            let found = try contents(of: folder)
            #expect(found.streams.count == salvage.kept, "page \(page)")
            let kept = Set(found.streams.map(\.id))
            #expect(found.streams == expected.streams.filter { kept.contains($0.id) }, "page \(page)")
            for (name, images) in found.snapshots { #expect(images == expected.snapshots[name], "page \(page)") }
            #expect(
                found.snapshots.count == 2 - salvage.lostSnapshots.count || salvage.lostSnapshots.first == "all of 2",
                "page \(page)")
            most = max(most, found.streams.count)
        }
        #expect(refusals > pages / 5 && most == 120)
    }

    @Test func `an interrupted rebuild is finished by the next one, at whatever step it stopped`() throws {
        let damaged = try makeFolder()
        try change(damaged) { bytes in
            let id = try #require(bytes.firstRange(of: Array("stream-7".utf8)))
            bytes[id.upperBound + 60] ^= 1
        }
        let whole = try TemporaryFolder()
        try whole.copyFiles(of: damaged.path)
        #expect(try StateSalvage(of: whole.path, time: 0).kept == 59)
        let expected = try contents(of: whole)
        let (database, new) = (StateStore.fileName, StateStore.fileName + ".rebuilt")

        // Each step leaves the files as a crash at that point of the rebuild would leave them.
        let steps: [(what: String, step: (TemporaryFolder) throws -> Void)] = [
            ("half a database", { _ = try $0.write("half", to: database + ".part") }),
            ("a whole database", { try FileManager.default.copyItem(at: whole.url(database), to: $0.url(new)) }),
            ("no seal", { try FileManager.default.removeItem(at: $0.url("sluice.seal")) }),
            ("no old database", { try FileManager.default.removeItem(at: $0.url(database)) }),
            ("no seal yet", { try FileManager.default.moveItem(at: $0.url(new), to: $0.url(database)) }),
        ]
        for count in 1...steps.count {
            let folder = try TemporaryFolder()
            try folder.copyFiles(of: damaged.path)
            for step in steps.prefix(count) { try step.step(folder) }
            let what = Comment(rawValue: steps[count - 1].what)
            try expectRefusal(folder, what)
            let salvage = try StateSalvage(of: folder.path, time: 0)
            #expect(salvage.kept == 59, what)
            let found = try contents(of: folder)
            #expect(found.streams == expected.streams && found.snapshots == expected.snapshots, what)
        }
    }

    @Test func `without a seal, a salvage reports that nothing proves the database to be the last`() throws {
        let folder = try makeFolder()
        let generation = try StateStore(folder: folder.path).generation
        try FileManager.default.removeItem(at: folder.url("sluice.seal"))
        #expect(try StateSalvage(of: folder.path, time: 0).unprovedGeneration == generation)
        #expect(try StateSalvage(of: folder.path, time: 0).unprovedGeneration == nil)
    }

    @Test func `without a seal, a newer journal proves that the database is too old to continue with`() throws {
        let folder = try TemporaryFolder()
        let older: Data
        do {
            let store = try StateStore(folder: folder.path)
            try store.begin(Journal(folder: folder.path, of: store), journalKind: .full)
            try store.write(slice([image("a", sequence: 1)]))
            try store.endCheckpoint(at: 0)
            try store.end()
        }
        older = try Data(contentsOf: folder.url(StateStore.fileName))
        do {
            let store = try StateStore(folder: folder.path)
            try store.begin(Journal(folder: folder.path, of: store), journalKind: .full)
            try store.write(slice([image("a", sequence: 2)]))
            try store.endCheckpoint(at: 0)
            try store.end()
        }
        try older.write(to: folder.url(StateStore.fileName))
        try FileManager.default.removeItem(at: folder.url("sluice.seal"))
        let salvage = try StateSalvage(of: folder.path, time: 0)
        #expect(salvage.kept == 0 && salvage.files.contains(StateStore.fileName))
    }

    @Test func `a log deleted during a checkpoint resembles a power cut, and is noticed after the checkpoint`() throws {
        let folder = try TemporaryFolder()
        let store = try StateStore(folder: folder.path)
        try store.write(slice(Self.images(200, 10)))
        try store.endCheckpoint(at: 1)
        // These writes are enough to make SQLite move its log into the database, which happens at 4000 pages.
        for round in 0..<9 {
            try store.write(slice(Self.images(100, 5_000 + round), from: 1_000))
        }
        try store.write(slice([image("stream-0", sequence: 9)]))
        let log = StateStore.fileName + "-wal"
        func copyWithoutLog() throws -> TemporaryFolder {
            let copy = try TemporaryFolder()
            try copy.copyFiles(of: folder.path)
            try FileManager.default.removeItem(at: copy.url(log))
            return copy
        }
        // No part of the second checkpoint was acknowledged. Without the log, the folder may therefore hold the streams
        // of an earlier moment.
        let cut = try contents(of: copyWithoutLog())
        #expect(cut.streams.count == 300 && cut.streams.first?.sequence == 3)
        try store.endCheckpoint(at: 2)
        try expectRefusal(copyWithoutLog(), "the generation was in the log")
    }
}

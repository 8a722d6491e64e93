import Foundation
import Store
import Streams
import TestSupport
import Testing

/// Tests how a state folder is written anew while the store of the lost folder is still open.
@Suite struct `State that is written anew` {
    private let folder: TemporaryFolder
    private var state: String { folder.path("state") }

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Returns a store and the watch on its folder, after the folder was moved away and replaced by an empty one.
    private func lostStore(streams: Int) throws -> (StateStore, StateFolderWatch) {
        let store = try StateStore(folder: state)
        try store.write(slice((0..<streams).map { image("stream \($0)", values: [Float](repeating: 0.5, count: 64)) }))
        try store.endCheckpoint(at: 7)
        _ = try store.saveSnapshot("n", of: slice([image("kept")]), time: 1)
        let watch = StateFolderWatch(folder: state)
        try FileManager.default.moveItem(atPath: state, toPath: folder.path("away"))
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
        #expect(throws: StoreError.self) { try watch.check() }
        return (store, watch)
    }

    @Test func `the new folder has all contents of the old database, and is watched once it is accepted`() throws {
        let (store, watch) = try lostStore(streams: 10)
        do {
            let renewal = try StateRenewal(of: store, journal: nil, sync: .full, in: watch, time: 0)
            #expect(renewal.loss == nil && renewal.replaced == nil && renewal.journal == nil)
            #expect(throws: StoreError.self) { try watch.check() }
            renewal.accept()
            try watch.check()
            #expect(renewal.store.generation > store.generation)
        }
        let again = try StateStore(folder: state)
        #expect(try streams(of: again).count == 10)
        #expect(again.position == 7)
        #expect(try again.snapshots().map(\.name) == ["n"])
    }

    @Test func `the new folder begins empty if the old database can no longer be read`() throws {
        // The number of streams exceeds SQLite's cache.
        let (store, watch) = try lostStore(streams: 20_000)
        for file in [StateStore.fileName, StateStore.fileName + "-wal"] {
            try FileHandle(forWritingTo: folder.url("away/\(file)")).truncate(atOffset: 0)
        }
        do {
            let renewal = try StateRenewal(of: store, journal: nil, sync: .full, in: watch, time: 0)
            #expect(renewal.loss != nil)
            renewal.accept()
            try renewal.store.write(slice([image("from memory")]))
            try renewal.store.endCheckpoint(at: 8)
        }
        let again = try StateStore(folder: state)
        #expect(try streams(of: again) == [image("from memory")])
        #expect(again.generation > store.generation)
    }

    @Test func `a new folder that cannot be completed is left without the new files`() throws {
        let (store, watch) = try lostStore(streams: 10)
        // A folder blocks the path of the new seal, which is created last.
        let obstacle = "\(state)/sluice.seal.part"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        let journal = try Journal(folder: folder.path("journal"), of: StateStore(folder: folder.path("journal")))
        #expect(throws: StoreError.self) {
            try StateRenewal(of: store, journal: journal, sync: .full, in: watch, time: 0)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["sluice.seal.part"])
        #expect(throws: StoreError.self) { try watch.check() }
    }
}

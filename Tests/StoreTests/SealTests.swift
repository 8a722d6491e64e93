import Foundation
import Store
import TestSupport
import Testing

/// Tests the file `sluice.seal`, which holds two seals. The seal that was written last applies.
@Suite struct `The seal of a state folder` {
    @Test func `a new seal is complete in two places, and either of them is enough`() throws {
        for place in [0, 4096] {
            let folder = try TemporaryFolder()
            do {
                let store = try StateStore(folder: folder.path)
                try store.write(slice([image("a")]))
                try store.endCheckpoint(at: 1)
            }
            var bytes = [UInt8](try Data(contentsOf: folder.url("sluice.seal")))
            #expect(bytes.count == 8192)
            bytes[place + 40] ^= 1
            try Data(bytes).write(to: folder.url("sluice.seal"))
            #expect(try streams(of: StateStore(folder: folder.path)) == [image("a")])
            bytes[4096 - place + 40] ^= 1
            try Data(bytes).write(to: folder.url("sluice.seal"))
            let error = try #require(throws: StoreError.self) { try StateStore(folder: folder.path) }
            #expect(error.code == .damaged && error.description.contains("sluice.seal"))
        }
    }

    @Test func `a database that is older than its seal is refused`() throws {
        let folder = try TemporaryFolder()
        let files = [StateStore.fileName, StateStore.fileName + "-wal"]
        let store = try StateStore(folder: folder.path)
        try store.write(slice([image("a")]))
        try store.endCheckpoint(at: 1)
        let before = try files.map { try Data(contentsOf: folder.url($0)) }
        try store.endCheckpoint(at: 2)
        let older = try TemporaryFolder()
        try FileManager.default.copyItem(at: folder.url("sluice.seal"), to: older.url("sluice.seal"))
        for (file, data) in zip(files, before) { try data.write(to: older.url(file)) }
        let error = try #require(throws: StoreError.self) { try StateStore(folder: older.path) }
        #expect(error.code == .damaged && error.description.contains("older than the rest"))
        #expect(try files.map { try Data(contentsOf: older.url($0)) } == before)
    }

    @Test func `a database that lost everything since it was sealed is refused`() throws {
        let folder = try TemporaryFolder()
        let files = [StateStore.fileName, StateStore.fileName + "-wal"]
        let store = try StateStore(folder: folder.path)
        // At this point the database exists but is not sealed yet, as after a crash during the first start.
        let before = try files.map { try Data(contentsOf: folder.url($0)) }
        try store.write(slice([image("a")]))
        try store.endCheckpoint(at: 1)
        let older = try TemporaryFolder()
        for (file, data) in zip(files, before) { try data.write(to: older.url(file)) }
        #expect(try streams(of: StateStore(folder: older.path)).isEmpty)
        for (file, data) in zip(files, before) { try data.write(to: older.url(file)) }
        try FileManager.default.copyItem(at: folder.url("sluice.seal"), to: older.url("sluice.seal"))
        let error = try #require(throws: StoreError.self) { try StateStore(folder: older.path) }
        #expect(error.code == .damaged && error.description.contains("older than the rest"))
        #expect(try files.map { try Data(contentsOf: older.url($0)) } == before)
    }

    @Test func `a folder starts after two crashes in a row before the seal was written`() throws {
        let folder = try TemporaryFolder()
        let older: Data
        do {
            let store = try StateStore(folder: folder.path)
            try store.write(slice([image("a")]))
            try store.endCheckpoint(at: 1)
            older = try Data(contentsOf: folder.url("sluice.seal"))
            try store.endCheckpoint(at: 2)
        }
        try older.write(to: folder.url("sluice.seal"))
        do {
            let store = try StateStore(folder: folder.path)
            // From here on, the seal cannot be written.
            try FileManager.default.removeItem(at: folder.url("sluice.seal"))
            #expect(throws: StoreError.self) { try store.begin() }
        }
        try older.write(to: folder.url("sluice.seal"))
        let store = try StateStore(folder: folder.path)
        try store.begin()
        #expect(try streams(of: store) == [image("a")])
    }
}

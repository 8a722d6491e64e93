import Store
import Streams
import TestSupport
import Testing

@testable import Daemon

@Suite struct `A group commit` {
    private static let second: Int64 = 1_000_000_000

    private func failure() throws -> StoreError {
        let folder = try TemporaryFolder()
        _ = try folder.write("x", to: "file")
        return try #require(throws: StoreError.self) { try StateStore(folder: folder.path("file")) }
    }

    @Test func `without a journal, group commit is off and holds nothing back`() {
        let group = GroupCommit(nil, weights: nil, byteCount: 0, sizeLimit: 10)
        #expect(!group.isOn && !group.keepsJournal && !group.isWhole)
        #expect(group.status == nil && group.millisecondsUntilTry(at: 0) == nil)
        #expect(!group.triesAgain(at: .max))
    }

    @Test func `a failed journal is retried once a second, and is whole again after a later checkpoint`() throws {
        var group = GroupCommit(nil, weights: [1], byteCount: 3, sizeLimit: 10)
        #expect(group.isOn && group.isWhole && group.keepsJournal)
        let error = try failure()
        group.fail(error, at: 5 * Self.second)
        #expect(!group.isOn && !group.isWhole && group.keepsJournal)
        #expect(group.status?.hasFailed == true && group.status?.error == error.description)
        #expect(!group.triesAgain(at: 6 * Self.second - 1) && group.triesAgain(at: 6 * Self.second))
        #expect(group.millisecondsUntilTry(at: 5 * Self.second) == 1_001)
        group.postponeTry(at: 6 * Self.second)
        #expect(!group.triesAgain(at: 6 * Self.second) && group.triesAgain(at: 7 * Self.second))

        group.recover(from: 20)
        #expect(group.isOn && !group.isWhole)
        // A checkpoint at position 19 does not cover the records that the journal missed.
        let isWholeTooEarly = group.endCheckpoint(at: 19)
        #expect(!isWholeTooEarly && !group.isWhole && group.status?.hasFailed == true)
        let isWhole = group.endCheckpoint(at: 20)
        #expect(isWhole && group.isWhole && group.status?.hasFailed == false)
    }

    @Test func `a full journal stays over its size limit until a checkpoint of its records ends`() {
        var group = GroupCommit(nil, weights: [1], byteCount: 4, sizeLimit: 10)
        #expect(!group.isOverSize)
        group.addCommitted(7)
        #expect(group.isOverSize)
        group.beginCheckpoint()
        group.addCommitted(2)
        _ = group.endCheckpoint(at: 1)
        #expect(group.byteCount == 2 && !group.isOverSize)
    }
}

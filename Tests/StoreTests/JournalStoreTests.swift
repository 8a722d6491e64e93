import Foundation
import GRDB
import Recurrent
import Store
import Streams
import TestSupport
import Testing
import Wire

@Suite struct `The journal's file` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Opens a journal for writing, with its own store.
    private func open(_ folder: TemporaryFolder, sync: Journal.Sync = .full) throws -> Journal {
        let store = try StateStore(folder: folder.path)
        let journal = try Journal(folder: folder.path, sync: sync, of: store)
        _ = try journal.forEachBatch(after: 0) { _, _ in }
        try store.begin(journal, journalKind: .full)
        return journal
    }

    /// Returns the positions of three kinds of records: the first record of each batch after `position`, the last
    /// record before a gap, and the very last record.
    private func read(_ journal: Journal, after position: UInt64) throws -> (
        firsts: [UInt64], last: UInt64, end: UInt64
    ) {
        var firsts: [UInt64] = []
        let (last, end) = try journal.forEachBatch(after: position) { first, reader in
            var reader = reader
            while reader.next() != nil {}
            #expect(reader.isAtEnd)
            firsts.append(first)
        }
        return (firsts, last, end)
    }

    @Test(arguments: Journal.Sync.allCases)
    func `batches are read in order, even after an abrupt end`(sync: Journal.Sync) throws {
        let journal = try open(folder, sync: sync)
        try journal.append(records(3), first: 1)
        try journal.append(records(1), first: 4)
        try journal.append(records(5), first: 5)
        let crashed = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            try FileManager.default.copyItem(atPath: folder.path(name), toPath: crashed.path(name))
        }
        for journal in [journal, try open(crashed)] {
            #expect(try read(journal, after: 0) == ([1, 4, 5], 9, 9))
            // Part of the first batch lies before position 2.
            #expect(try read(journal, after: 2) == ([1, 4, 5], 9, 9))
            #expect(try read(journal, after: 3) == ([4, 5], 9, 9))
            #expect(try read(journal, after: 9) == ([], 9, 9))
            #expect(try read(journal, after: 20) == ([], 20, 20))
        }
    }

    @Test func `records after missing records are not read`() throws {
        let journal = try open(folder)
        try journal.append(records(3), first: 1)
        try journal.append(records(2), first: 5)
        #expect(try read(journal, after: 0) == ([1], 3, 6))
        #expect(try read(journal, after: 4) == ([5], 6, 6))
    }

    @Test func `a cut deletes whole batches up to a position, a few at a time`() throws {
        let journal = try open(folder)
        let two = try records(2)
        for batch in 0..<100 { try journal.append(two, first: UInt64(2 * batch + 1)) }
        #expect(try journal.cut(through: 151))
        #expect(try !journal.cut(through: 151))
        #expect(try read(journal, after: 151).firsts == (75..<100).map { UInt64(2 * $0 + 1) })
        #expect(try read(journal, after: 0).firsts.isEmpty)
    }

    @Test func `a probe leaves no records, and the next cut deletes it`() throws {
        let journal = try open(folder)
        try journal.probe()
        try journal.probe()
        #expect(try read(journal, after: 0) == ([], 0, 0))
        try journal.append(records(1), first: 1)
        _ = try journal.cut(through: 1)
        #expect(try read(journal, after: 0) == ([], 0, 0))
    }

    @Test func `weights keep their numbers, and get a new number under other rules`() throws {
        func served(_ fingerprint: String, gap: ServingPolicy.Gap) throws -> ServedModel {
            let model = try Model(layers: [
                Dense(units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]), bias: nil)
            ])
            return ServedModel(
                name: "m", file: "m", fingerprint: fingerprint, model: ServableModel(model),
                policy: ServingPolicy(gap: gap))
        }
        let first = try open(folder).numbers(of: [
            served("f", gap: .continue), served("g", gap: .continue),
        ])
        let second = try open(folder).numbers(of: [
            served("g", gap: .continue), served("f", gap: .reset), served("f", gap: .continue),
        ])
        #expect(Set(first + second).count == 3)
        #expect(second[0] == first[1] && second[2] == first[0])
        #expect(try open(folder).weights().map(\.fingerprint).sorted() == ["f", "f", "g"])
    }

    @Test func `a second journal on the same folder is refused`() throws {
        let store = try StateStore(folder: folder.path)
        let first = try Journal(folder: folder.path, of: store)
        try store.begin(first)
        let error = try #require(throws: StoreError.self) { try Journal(folder: folder.path, of: store) }
        #expect(error.code == .inUse)
        try first.append(records(1), first: 1)
    }
}

/// Creates records of one stream, with one timestep each.
///
/// - Parameters:
///   - count: The number of records.
///   - value: The value of the first timestep. Each later value is one larger.
/// - Returns: The records.
/// - Throws: An error if the model or the table refuses a timestep.
func records(_ count: Int, from value: Float = 0) throws -> JournalRecords {
    let model = try Model(layers: [
        Dense(units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]), bias: nil)
    ])
    var table = StreamTable(models: [
        ServedModel(name: "m", file: "m", fingerprint: "f", model: ServableModel(model), policy: ServingPolicy())
    ])
    table.journal.start([1])
    var decided = DecidedBatch()
    for number in 0..<count {
        let payload = Timesteps.bytes([Float(number) + value])
        _ = try unsafe table.admit(
            frames: 2, id: Array("s".utf8).span, payload: payload.span.bytes, header: RawSpan())
        table.stepBatch()
        table.decideBatch(time: 0, into: &decided)
    }
    var records = JournalRecords()
    table.journal.take(&records)
    return records
}

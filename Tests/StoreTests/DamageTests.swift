import Foundation
import Recurrent
import Store
import Streams
import TestSupport
import Testing
import Wire

/// Damages state folders at random. Each folder must either be refused and stay unchanged, or give exactly the stored
/// contents.
///
/// `SLUICE_DAMAGES` sets how many folders are damaged, and `SLUICE_DAMAGE_SEED` sets the seed. See
/// `tools/check/damage`.
@Suite struct `A randomly damaged state folder` {
    /// The contents of a folder, as a daemon finds them when it starts.
    private struct Contents: Equatable {
        var streams: [StreamImage] = []
        var snapshots: [String: [StreamImage]] = [:]
        /// The size in bytes of each journal batch after the checkpoint. The key is the position of the batch's first
        /// record.
        var records: [UInt64: Int] = [:]
    }

    private static let environment = ProcessInfo.processInfo.environment
    static let damages = environment["SLUICE_DAMAGES"].flatMap { Int($0) } ?? 200
    static let seed = environment["SLUICE_DAMAGE_SEED"].flatMap { UInt64($0) } ?? 19

    @Test(arguments: [false, true], [false, true])
    func `a damaged folder is refused unchanged or read correctly`(hasJournal: Bool, isOrderly: Bool) throws {
        let folders = try Folders(hasJournal: hasJournal, isOrderly: isOrderly)
        let expected = try contents(of: folders.good.path, hasJournal: hasJournal).get()
        #expect(expected.streams.count == 60 && expected.snapshots["n"]?.count == 60)
        #expect(expected.records.count == (hasJournal && !isOrderly ? 6 : 0))
        var random = SplitMix64(seed: Self.seed &+ (hasJournal ? 2 : 0) &+ (isOrderly ? 1 : 0))
        var refused = 0
        for number in 0..<(Self.damages / 4) {
            let folder = try TemporaryFolder()
            try folder.copyFiles(of: folders.good.path)
            let kind = FolderDamage.kinds[number % FolderDamage.kinds.count]
            guard let file = try folders.damage.apply(kind, to: folder, using: &random) else { continue }
            let before = try folder.contents()
            switch contents(of: folder.path, hasJournal: hasJournal) {
            case .failure(let error):
                refused += 1
                #expect(error.code == .damaged || error.code == .laterVersion || error.code == .cannotOpen, "\(error)")
                #expect(try folder.contents() == before, "\(number): \(kind) of \(file): a refused folder was changed")
            case .success(let found):
                #expect(found.streams == expected.streams, "\(number): \(kind) of \(file)")
                #expect(found.snapshots == expected.snapshots, "\(number): \(kind) of \(file)")
                // After a crash, a journal that lost its end looks as it would after a power cut, so a prefix is
                // allowed.
                let isPrefix =
                    !isOrderly && file.hasPrefix(Journal.fileName)
                    && found.records == expected.records.filter { $0.key <= found.records.keys.max() ?? 0 }
                #expect(found.records == expected.records || isPrefix, "\(number): \(kind) of \(file)")
            }
        }
        #expect(refused > Self.damages / 16, "most damages are noticed")
    }

    /// Reads a folder as a starting daemon does, but without writing to it.
    private func contents(of folder: String, hasJournal: Bool) -> Result<Contents, StoreError> {
        do {
            var contents = Contents()
            let store = try StateStore(folder: folder)
            var loaded = store.position
            try store.forEachSlice { slice in
                contents.streams += slice.images
                for entry in slice.entries { loaded = max(loaded, entry.position) }
            }
            try store.examineRest()
            for snapshot in try store.snapshots() {
                contents.snapshots[snapshot.name] = try store.streams(ofSnapshot: snapshot.name, .all)
            }
            guard hasJournal || store.expectsJournal || Journal.exists(in: folder) else { return .success(contents) }
            let journal = try Journal(folder: folder, of: store)
            _ = try journal.weights()
            let (last, _) = try journal.forEachBatch(after: store.position) { first, reader in
                contents.records[first] = reader.byteCount
            }
            if last < loaded, store.journalWasWhole {
                throw store.journalIsBehind(journalEnd: last, streams: loaded)
            }
            return .success(contents)
        } catch let error as StoreError {
            return .failure(error)
        } catch {
            Issue.record(error)
            return .success(Contents())
        }
    }
}

/// A state folder, an earlier copy of the same folder, and the folder of another run.
private struct Folders {
    let good: TemporaryFolder
    let damage: FolderDamage

    init(hasJournal: Bool, isOrderly: Bool) throws {
        good = try TemporaryFolder()
        let (older, other) = (try TemporaryFolder(), try TemporaryFolder())
        damage = FolderDamage(older: older, other: other)
        try Self.run(in: other, copiedTo: nil, hasJournal: hasJournal, isOrderly: false, seed: 2)
        try Self.run(in: good, copiedTo: older, hasJournal: hasJournal, isOrderly: isOrderly, seed: 1)
    }

    /// Writes checkpoints, a snapshot and records to a folder, and copies the folder to `older` midway. Simulates a
    /// crash by copying the files while the store is still open.
    private static func run(
        in folder: TemporaryFolder, copiedTo older: TemporaryFolder?, hasJournal: Bool, isOrderly: Bool, seed: UInt64
    ) throws {
        let crashed = try TemporaryFolder()
        let work = isOrderly ? folder : crashed
        do {
            let store = try StateStore(folder: work.path)
            let journal = hasJournal ? try Journal(folder: work.path, of: store) : nil
            try store.begin(journal, journalKind: .full)
            var position: UInt64 = 0
            for round in 0..<4 {
                for number in 0..<6 {
                    guard let journal else { break }
                    let records = try records(2 + number, from: Float(seed))
                    try journal.append(records, first: position + 1)
                    position += UInt64(records.count)
                    if round == 3, number == 0 { break }
                }
                if round == 3 { break }
                let images = (0..<60).map { number in
                    image(
                        "stream-\(number)", sequence: UInt64(round + 1) &* seed,
                        values: (0..<20).map { Float(number * 100 + round) + Float($0) + Float(seed) })
                }
                try store.write(slice(Array(images[..<30]), position: position))
                try store.write(slice(Array(images[30...]), from: 30, position: position))
                try store.endCheckpoint(at: position)
                while try journal?.cut(through: position) ?? false {}
                if round == 1 { _ = try store.saveSnapshot("n", of: slice(images), time: 5) }
                if round == 1, let older { try older.copyFiles(of: work.path) }
            }
            if let journal, !isOrderly {
                for number in 0..<5 {
                    let records = try records(1 + number, from: Float(seed))
                    try journal.append(records, first: position + 1)
                    position += UInt64(records.count)
                }
            }
            if isOrderly {
                if let journal {
                    try store.endCheckpoint(at: position)
                    while try journal.cut(through: position) {}
                }
                try store.end()
            } else {
                try folder.copyFiles(of: work.path)
            }
        }
    }
}

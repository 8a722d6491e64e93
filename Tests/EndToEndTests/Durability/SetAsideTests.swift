import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests damaged state folders with real daemons.
@Suite struct `A damaged state folder` {
    private static let setAside = ["--on-damaged-state", "set-aside"]

    /// Feeds `count` streams different numbers of timesteps and takes a snapshot of all of them. Then feeds one more
    /// stream and takes a second snapshot.
    private func fill(_ peer: Peer, _ count: Int) throws {
        for number in 0..<count { _ = try peer.decide("stream-\(number)", values(2 + number % 3)) }
        _ = try peer.control.call(.snapshot(name: "first", .all))
        _ = try peer.decide("only-in-second", values(2))
        _ = try peer.control.call(.snapshot(name: "second", .all))
        _ = try peer.control.call(.checkpoint)
    }

    private func streams(_ peer: Peer) throws -> [String: UInt64] {
        let page = try peer.control.call(
            .streams(prefix: nil, after: nil, limit: 1000), as: StreamPage<StreamStatus>.self)
        return Dictionary(uniqueKeysWithValues: page.streams.map { ($0.stream, $0.sequence) })
    }

    /// Flips a bit in the last row with the given id.
    private func flip(_ bytes: inout Data, after id: String) throws {
        let place = try #require(bytes.lastRange(of: Data(id.utf8))).upperBound
        bytes[place + 60] ^= 1
    }

    @Test func `a damaged snapshot costs no streams and no other snapshots`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let first = try DaemonProcess(arguments)
        try fill(Peer(first), 20)
        _ = try Peer(first).control.call(.remove(.stream("only-in-second")), as: JSONValue.self)
        let expected = try streams(Peer(first))
        #expect(first.stop() == 0)
        var bytes = try Data(contentsOf: folder.url("sluice.sqlite"))
        try flip(&bytes, after: "only-in-second")
        try bytes.write(to: folder.url("sluice.sqlite"))

        let refused = try FinishedProgram("sluiced", arguments)
        #expect(refused.status == 65 && refused.errorOutput.contains("second"))
        let daemon = try DaemonProcess(arguments + Self.setAside)
        #expect(daemon.log.contains("snapshots set aside: \"second\""))
        #expect(daemon.log.contains("20 streams of the last checkpoint continue; 0 were set aside"))
        let peer = try Peer(daemon)
        #expect(try streams(peer) == expected)
        let names = try peer.control.call(.snapshots).snapshots.map(\.name)
        #expect(names == ["first"])
        #expect(try peer.control.call(.restore(name: "first", .all)).restored == 20)
    }

    @Test func `a damaged page costs only the streams on it`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        for number in 0..<80 { _ = try peer.decide("stream-\(number)", values(2 + number % 3)) }
        let expected = try streams(peer)
        #expect(first.stop() == 0)
        var bytes = try Data(contentsOf: folder.url("sluice.sqlite"))
        let page = try #require(bytes.firstRange(of: Data("stream-40".utf8))).lowerBound / 4096 * 4096
        bytes.replaceSubrange(page..<(page + 4096), with: Data(count: 4096))
        try bytes.write(to: folder.url("sluice.sqlite"))

        #expect(try FinishedProgram("sluiced", arguments).status == 65)
        let daemon = try DaemonProcess(arguments + Self.setAside)
        let found = try streams(Peer(daemon))
        #expect(found.count >= 30 && found.count < 80 && found["stream-40"] == nil)
        #expect(found == expected.filter { found[$0.key] != nil })
        #expect(
            daemon.log.contains("\(found.count) streams of the last checkpoint continue; \(80 - found.count) were set"))
    }

    @Test func `a set-aside is eventually completed, whatever power cuts interrupt it`() throws {
        let disk = try PowerCut()
        var chance = SplitMix64(seed: 23)
        let arguments = [model2, "--state-dir", disk.path]
        let first = try DaemonProcess(arguments, environment: disk.environment)
        try fill(Peer(first), 40)
        let expected = try streams(Peer(first)).filter { $0.key != "stream-7" }
        #expect(first.stop() == 0)
        _ = try disk.cut(after: disk.now(), using: &chance)
        try disk.change("sluice.sqlite") { try flip(&$0, after: "stream-7") }
        let restore = disk.remember()

        var interrupted = 0
        for _ in 0..<10 {
            try restore()
            for _ in 0..<2 {
                let daemon = try DaemonProcess(arguments + Self.setAside, environment: disk.environment)
                daemon.kill()
                _ = try disk.cut(after: 0, using: &chance)
            }
            // The folder is either refused or already set aside. A new folder never silently replaces the old one.
            let check = try FinishedProgram("sluice", ["check", disk.path])
            if check.status != 0 {
                interrupted += 1
                #expect(check.status == 65)
                #expect(try FinishedProgram("sluiced", arguments).status == 65)
            }
            let last = try DaemonProcess(arguments + Self.setAside)
            let peer = try Peer(last)
            #expect(try streams(peer) == expected)
            #expect(try peer.control.call(.snapshots).snapshots.count == 2)
        }
        #expect(interrupted > 0)
    }

    @Test func `a randomly damaged folder is refused unchanged or gives the stored state`() throws {
        let inputs = values(40)
        let undisturbed = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        let (good, older, other) = (try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder())
        func arguments(_ folder: TemporaryFolder) -> [String] {
            [model2, "--state-dir", folder.path, "--durability", "journal", "--checkpoint-interval", "3600"]
        }
        let ids = (0..<5).map { "stream-\($0)" }
        for folder in [other, good] {
            let daemon = try DaemonProcess(arguments(folder))
            let peer = try Peer(daemon)
            for part in [0..<10, 10..<20, 20..<30] {
                for id in ids { _ = try peer.decide(id, Array(inputs[part])) }
                if part.upperBound == 20 { _ = try peer.control.call(.checkpoint) }
                if part.upperBound == 10, folder === good { try older.copyFiles(of: folder.path) }
            }
            daemon.kill()
        }
        var random = SplitMix64(seed: 19)
        let damage = FolderDamage(older: older, other: other)
        var refused = 0
        for kind in FolderDamage.kinds {
            let folder = try TemporaryFolder()
            try folder.copyFiles(of: good.path)
            let file = try #require(try damage.apply(kind, to: folder, using: &random))
            let what: Comment = "\(kind) of \(file)"
            let before = try folder.contents()
            let check = try FinishedProgram("sluice", ["check", folder.path])
            guard check.status == 0 else {
                refused += 1
                #expect(check.status == 65, what)
                #expect(try FinishedProgram("sluiced", arguments(folder)).status == 65, what)
                #expect(try folder.contents() == before, what)
                continue
            }
            let peer = try Peer(try DaemonProcess(arguments(folder)))
            for id in ids {
                let sequence = Int(try #require(try peer.control.stream(id), what).sequence)
                // Timesteps may be missing only if the journal is damaged, because a journal without its end looks the
                // same as after a power cut.
                #expect(sequence == 30 || file.hasPrefix("journal.sqlite") && sequence >= 20, what)
                let decisions = try peer.decide(id, Array(inputs[sequence...]))
                #expect(decisions.bits == undisturbed[sequence...].map(\.self).bits, what)
            }
        }
        #expect(refused >= 5)
    }
}

import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests how the daemon starts with state folders that are damaged or that an earlier version wrote.
@Suite struct `A state folder at startup` {
    /// The streams of `Fixtures/state/version2`, as reported by the daemon that wrote the folder before it was killed.
    private static let expected: [String: (sequence: UInt64, probability: Float)] = [
        "meter-a": (49, 0.9995797),
        "meter-b": (49, 0.9995797),
        "meter-c": (40, 0.31583223),
        "meter-d": (40, 0.31583223),
        "meter-e": (40, 0.31583223),
        "meter-f": (9, 0.7964107),
    ]

    private static let journal = ["--durability", "journal"]

    private func copyOfVersion2() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: Fixtures.url("state/version2"), to: folder.url("state"))
        return folder
    }

    private func expectStreams(_ daemon: DaemonProcess) throws {
        let peer = try Peer(daemon)
        #expect(try peer.status().streams == Self.expected.count)
        for (id, stream) in Self.expected {
            let found = try #require(try peer.control.stream(id))
            #expect(found.sequence == stream.sequence)
            #expect(found.probability.values == [stream.probability], "\(id)")
        }
        let snapshots = try peer.control.call(.snapshots).snapshots
        #expect(snapshots.map(\.name) == ["monday"] && snapshots.map(\.streams) == [5])
    }

    @Test func `a folder of an earlier version is upgraded at the first start, even if starts are killed`() throws {
        var random = SplitMix64(seed: 19)
        for _ in 0..<5 {
            let folder = try copyOfVersion2()
            let arguments = [model2, "--state-dir", folder.path("state")] + Self.journal
            for _ in 0..<2 {
                let program = try RunningProgram(
                    "sluiced",
                    arguments + [
                        "--ingest", "@tcp://127.0.0.1:*", "--decisions", "@tcp://127.0.0.1:*", "--control",
                        "@tcp://127.0.0.1:*",
                    ])
                usleep(UInt32.random(in: 0...150_000, using: &random))
                program.kill()
                _ = program.waitForEnd()
            }
            let daemon = try DaemonProcess(arguments)
            try expectStreams(daemon)
            #expect(daemon.stop() == 0)
            let check = try FinishedProgram("sluice", ["check", folder.path("state")])
            #expect(check.status == 0, "\(check.errorOutput)")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path("state")) {
                let mode = try FileManager.default.attributesOfItem(atPath: folder.path("state/\(name)"))
                #expect(mode[.posixPermissions] as? Int == 0o600, "\(name)")
            }
        }
    }

    @Test func `a flipped bit is refused with exit status 65, and set-aside keeps the other streams`() throws {
        let folder = try TemporaryFolder()
        let state = folder.path("state")
        let arguments = [model2, "--state-dir", state]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        for stream in 0..<50 { _ = try peer.decide("stream-\(stream)", values(3)) }
        #expect(first.stop() == 0)

        let database = folder.url("state/sluice.sqlite")
        var bytes = [UInt8](try Data(contentsOf: database))
        // Flip a bit of a stream's state. In the stream's row, the state follows the id and the numeric columns.
        let id = try #require(bytes.firstRange(of: Array("stream-7".utf8)))
        bytes[id.upperBound + 60] ^= 1
        try Data(bytes).write(to: database)

        let check = try FinishedProgram("sluice", ["check", state])
        #expect(check.status == 65)
        #expect(check.errorOutput.contains("stream-7"))
        let refused = try FinishedProgram("sluiced", arguments)
        #expect(refused.status == 65)
        #expect(refused.errorOutput.contains("sluice.sqlite") && refused.errorOutput.contains("stream-7"))
        #expect([UInt8](try Data(contentsOf: database)) == bytes)

        let second = try DaemonProcess(arguments + ["--on-damaged-state", "set-aside"])
        #expect(second.log.contains("49 streams of the last checkpoint continue; 1 were set aside"))
        let after = try Peer(second)
        #expect(try after.status().streams == 49)
        #expect(try after.control.stream("stream-7") == nil)
        #expect(try after.control.stream("stream-8")?.sequence == 3)
        #expect(second.stop() == 0)
        let moved = try #require(
            try FileManager.default.contentsOfDirectory(atPath: state).first { $0.hasPrefix("damaged-") })
        #expect([UInt8](try Data(contentsOf: folder.url("state/\(moved)/sluice.sqlite"))) == bytes)
        #expect(try FinishedProgram("sluice", ["check", state]).status == 0)
    }

    @Test(arguments: ["sluice.sqlite", "sluice.sqlite-wal", "journal.sqlite", "journal.sqlite-wal", "sluice.seal"])
    func `a missing file is noticed after a crash, and the rest is set aside or kept`(file: String) throws {
        let folder = try TemporaryFolder()
        let state = folder.path("state")
        let arguments = [model2, "--state-dir", state] + Self.journal
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        _ = try peer.decide("a", values(5))
        _ = try peer.control.call(.checkpoint)
        first.kill()
        try FileManager.default.removeItem(atPath: folder.path("state/\(file)"))
        let before = try FileManager.default.contentsOfDirectory(atPath: state).sorted()

        let refused = try FinishedProgram("sluiced", arguments)
        #expect(refused.status == 65)
        #expect(refused.errorOutput.contains(file.hasSuffix("-wal") ? String(file.dropLast(4)) : file))
        #expect(try FileManager.default.contentsOfDirectory(atPath: state).sorted() == before)

        let second = try DaemonProcess(arguments + ["--on-damaged-state", "set-aside"])
        let kept = try Peer(second).control.stream("a")
        #expect(kept?.sequence == (file.hasPrefix("sluice.sqlite") ? nil : 5))
        #expect(second.stop() == 0)
    }

    @Test func `an older copy of the whole folder is accepted, and the log reports its age and open access rights`()
        throws
    {
        let folder = try TemporaryFolder()
        let (state, backup) = (folder.path("state"), folder.path("backup"))
        let arguments = [model2, "--state-dir", state] + Self.journal
        for round in 0..<2 {
            let daemon = try DaemonProcess(arguments)
            #expect(!daemon.log.contains("chmod 700"))
            _ = try Peer(daemon).decide("s", values(5))
            #expect(daemon.stop() == 0)
            if round == 0 { try FileManager.default.copyItem(atPath: state, toPath: backup) }
        }
        try FileManager.default.removeItem(atPath: state)
        try FileManager.default.moveItem(atPath: backup, toPath: state)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: state)
        // The daemon's clock is three hours and one minute ahead, which makes the copy look that old.
        let daemon = try DaemonProcess(
            arguments,
            environment: [
                "LD_PRELOAD": RunningProgram.builtWithTests.appending(path: "libFaultInjector.so").path,
                "SLUICE_FAULT_CLOCK": try folder.write("10860", to: "clock"),
            ])
        #expect(try Peer(daemon).control.stream("s")?.sequence == 5)
        #expect(daemon.log.contains("last written 3 h ago") && daemon.log.contains("(mode 755); run 'chmod 700' on it"))
    }

    @Test func `the tool reports a folder that is in use or is not a state folder`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path("state")])
        #expect(try FinishedProgram("sluice", ["check", folder.path("state")]).status == 75)
        #expect(daemon.stop() == 0)
        let sound = try FinishedProgram("sluice", ["check", "--json", folder.path("state")])
        #expect(sound.status == 0 && sound.output.hasPrefix("{") && sound.output.contains("\"damages\":[]"))
        #expect(try FinishedProgram("sluice", ["check", folder.path("nothing")]).status == 66)
    }
}

import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests disks that are full for a while, and damaged files.
@Suite struct `A faulty disk` {
    private let folder: TemporaryFolder
    private let undisturbed: [Decision]
    private let inputs = values(200)

    init() throws {
        folder = try TemporaryFolder()
        undisturbed = try Peer(try DaemonProcess([model2])).decide("s", inputs)
    }

    private func arguments(_ durability: String, interval: String = "3600") -> [String] {
        [model2, "--state-dir", folder.path, "--durability", durability, "--checkpoint-interval", interval]
    }

    @Test func `if the journal's disk is full, the daemon reports it, continues, and later recovers`() throws {
        let daemon = try DaemonProcess(arguments("journal", interval: "0.1"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        var decisions = try peer.decide("s", Array(inputs[..<50]))
        #expect(try peer.status().journal?.hasFailed == false)

        try limitFiles(of: daemon, to: 4096)
        decisions += try peer.decide("s", Array(inputs[50..<100]))
        let failed = try eventually { () -> DaemonStatus? in
            let status = try peer.status()
            return status.journal?.hasFailed == true && status.checkpointError != nil ? status : nil
        }
        #expect(failed?.journal?.error?.contains("journal.sqlite") == true)
        decisions += try peer.decide("s", Array(inputs[100..<120]))
        #expect(daemon.log.split(separator: "\n").count { $0.contains("the journal failed") } == 1)

        try limitFiles(of: daemon, to: 1024 * noLimit)
        let healed = try eventually { () -> Bool? in
            let status = try peer.status()
            return status.journal?.hasFailed == false && status.checkpointError == nil ? true : nil
        }
        #expect(healed == true)
        #expect(daemon.log.contains("the journal is whole again"))
        decisions += try peer.decide("s", Array(inputs[120..<150]))
        daemon.kill()

        let again = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try again.control.stream("s")?.sequence == 150)
        decisions += try again.decide("s", Array(inputs[150...]))
        #expect(decisions.bits == undisturbed.bits)
    }

    @Test func `a crash while the journal's disk is full loses only the timesteps at risk`() throws {
        let daemon = try DaemonProcess(arguments("journal"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", Array(inputs[..<50]))
        try limitFiles(of: daemon, to: 4096)
        _ = try peer.decide("s", Array(inputs[50..<100]))
        let failed = try eventually { try peer.status().journal?.hasFailed == true ? true : nil }
        #expect(failed == true)
        daemon.kill()

        let second = try DaemonProcess(arguments("journal"))
        let again = try Peer(second)
        let sequence = Int(try #require(try again.control.stream("s")).sequence)
        #expect(sequence >= 50 && sequence <= 100)
        _ = try again.decide("s", Array(inputs[sequence..<120]))
        second.kill()
        let last = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try last.control.stream("s")?.sequence == 120)
        #expect(try last.decide("s", Array(inputs[120...])).bits == undisturbed[120...].map(\.self).bits)
    }

    @Test func `failed checkpoints on a full disk lose nothing once there is space again`() throws {
        let daemon = try DaemonProcess(arguments("checkpoint", interval: "0.05"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        try limitFiles(of: daemon, to: 4096)
        _ = try peer.decide("s", Array(inputs[..<50]))
        _ = try #require(try eventually { try peer.status().checkpointError })
        _ = try peer.decide("s", Array(inputs[50..<100]))
        try limitFiles(of: daemon, to: 1024 * noLimit)
        let healed = try eventually { try peer.status().checkpointError == nil ? true : nil }
        #expect(healed == true)
        #expect(daemon.log.split(separator: "\n").count { $0.contains("checkpoint failed") } == 1)
        #expect(daemon.log.contains("checkpoints succeed again"))
        _ = try peer.control.call(.checkpoint)
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try again.decide("s", Array(inputs[100...])).bits == undisturbed[100...].map(\.self).bits)
    }

    @Test(arguments: ["sluice.sqlite", "journal.sqlite", ""])
    func `a lost permission makes a start fail with exit status 73, and loses nothing`(file: String) throws {
        let daemon = try DaemonProcess(arguments("journal", interval: "0.05"))
        let peer = try Peer(daemon)
        _ = try peer.decide("s", Array(inputs[..<50]))
        let path = file.isEmpty ? folder.path : folder.path(file)
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: 0o500], ofItemAtPath: path)
        defer { try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path) }
        _ = try peer.decide("s", Array(inputs[50..<100]))
        daemon.kill()

        let refused = try FinishedProgram("sluiced", arguments("journal"), obeysPermissions: true)
        #expect(refused.status == 73)
        #expect(refused.errorOutput.contains("cannot write to \(path): permission denied"))
        try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        let again = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try again.decide("s", Array(inputs[100...])).bits == undisturbed[100...].map(\.self).bits)
    }

    @Test(arguments: [1, 100, 4_000, 20_000], [true, false])
    func `if the end of the journal is torn, its complete batches are kept`(bytes: Int, isCut: Bool) throws {
        let daemon = try DaemonProcess(arguments("journal"))
        let peer = try Peer(daemon)
        for value in inputs[..<40] { _ = try peer.decide("s", [value]) }
        daemon.kill()
        let log = folder.url("journal.sqlite-wal")
        var contents = try Data(contentsOf: log)
        try #require(contents.count > bytes)
        contents.removeLast(bytes)
        if !isCut { contents.append(contentsOf: (0..<bytes).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }) }
        try contents.write(to: log)

        let again = try Peer(try DaemonProcess(arguments("journal")))
        let sequence = Int(try again.control.stream("s")?.sequence ?? 0)
        #expect(sequence < 40 && sequence >= 40 - 1 - bytes / 1000)
        let decisions = try again.decide("s", Array(inputs[sequence...]))
        #expect(decisions.bits == undisturbed[sequence...].map(\.self).bits)
    }

    @Test func `a journal of other weights or rules is refused unchanged with exit status 65`() throws {
        let daemon = try DaemonProcess(arguments("journal"))
        _ = try Peer(daemon).decide("s", Array(inputs[..<20]))
        daemon.kill()
        let other = ["--state-dir", folder.path, "--durability", "journal"]
        let refused = try FinishedProgram(
            "sluiced", [Fixtures.url("reference/model1.keras").path, "--mode", "stateful"] + other)
        #expect(refused.status == 65)
        #expect(refused.errorOutput.contains("belong to the weights"))
        let changed = try FinishedProgram("sluiced", [model2, "--gap", "reset"] + other)
        #expect(changed.status == 65)
        #expect(changed.errorOutput.contains("start once as before"))

        let again = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try again.decide("s", Array(inputs[20...])).bits == undisturbed[20...].map(\.self).bits)
    }

    @Test func `a journal is replayed, whatever the durability of the next daemon`() throws {
        var sequence = 0
        for durability in ["journal", "checkpoint", "journal"] {
            let daemon = try DaemonProcess(arguments(durability))
            let peer = try Peer(daemon)
            let decisions = try peer.decide("s", Array(inputs[sequence..<(sequence + 20)]))
            #expect(decisions.bits == undisturbed[sequence..<(sequence + 20)].map(\.self).bits)
            sequence += 20
            if durability == "checkpoint" { _ = try peer.control.call(.checkpoint) }
            daemon.kill()
        }
        let last = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try last.control.stream("s")?.sequence == 60)
    }

    @Test func `an old journal does not bring back a stream that was removed later without a journal`() throws {
        let first = try DaemonProcess(arguments("journal"))
        for stream in ["s", "other"] { _ = try Peer(first).decide(stream, Array(inputs[..<20])) }
        first.kill()
        let second = try DaemonProcess(arguments("checkpoint"))
        #expect(try Peer(second).control.call(.remove(.stream("s"))).removed == 1)
        second.kill()
        let last = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try last.status().streams == 1)
        #expect(try last.control.stream("other")?.sequence == 20)
    }

    @Test func `a full journal is cut by an early checkpoint`() throws {
        let daemon = try DaemonProcess(arguments("journal") + ["--journal-size", "1"])
        let peer = try Peer(daemon)
        let long = values(2_000, seed: 3)
        for _ in 0..<200 { try peer.feed("s", long) }
        try peer.waitForSequence(400_000, of: "s")
        let cut = try eventually { () -> Bool? in
            let status = try peer.status()
            return status.checkpoint != nil && status.journal.map { $0.bytes < 1_000_000 } ?? false ? true : nil
        }
        #expect(cut == true)
        // Once this decision is published, all earlier timesteps are durable too.
        _ = try peer.decide("last", [1])
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try again.control.stream("s")?.sequence == 400_000)
    }

    @Test func `a journal without a folder is refused with exit status 64`() throws {
        let refused = try FinishedProgram("sluiced", [model2, "--durability", "journal"])
        #expect(refused.status == 64)
        #expect(refused.errorOutput.contains("--state-dir"))
    }

    @Test func `streams in a database of an earlier version continue with Keras' answers`() throws {
        try FileManager.default.copyItem(
            at: Fixtures.url("state/version1.sqlite"), to: folder.url("sluice.sqlite"))
        let endless = try #require(try KerasAnswers("reference/model2_endless.csv").streams.first)
        let peer = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try peer.control.stream("s000")?.sequence == 240)
        let decisions = try peer.decide("s000", Array(endless.values[240...]))
        for (decision, answer) in zip(decisions, endless.answers[240...]) {
            #expect(abs(decision.probabilities[0] - answer) <= tolerance)
        }
        #expect(try peer.control.call(.restore(name: "monday", .all)).restored == 4)
    }
}

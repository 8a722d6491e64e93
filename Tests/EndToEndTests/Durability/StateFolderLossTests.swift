import Client
import Foundation
import TestSupport
import Testing
import Wire

/// These tests delete, replace or move the state folder while the daemon runs.
@Suite struct `A lost state folder` {
    private let folder: TemporaryFolder
    private let inputs = values(60)
    private var state: String { folder.path("state") }
    private var away: String { folder.path("away") }
    private var files: FileManager { .default }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func arguments(_ durability: String) -> [String] {
        [
            model2, "--state-dir", state, "--durability", durability, "--checkpoint-interval", "0.1",
            "--http", "127.0.0.1:0",
        ]
    }

    /// Returns the decisions on the stream `s` from a daemon that has no state folder to lose.
    private func undisturbed() throws -> [Decision] {
        try Peer(try DaemonProcess([model2])).decide("s", inputs)
    }

    private func waitForLoss(_ peer: Peer) throws -> String {
        try #require(try eventually { try peer.status().stateFolderError })
    }

    private func waitForRecovery(_ peer: Peer) throws {
        let isHealed = try eventually {
            let status = try peer.status()
            return status.stateFolderError == nil && status.journal?.hasFailed != true ? true : nil
        }
        try #require(isHealed == true)
    }

    private func replaced() throws -> [String] {
        try files.contentsOfDirectory(atPath: state).filter { $0.hasPrefix("replaced-") }
    }

    @Test(arguments: ["checkpoint", "journal"])
    private func `a lost folder is reported, and is used again once it is back`(durability: String) throws {
        let daemon = try DaemonProcess(arguments(durability))
        let peer = try Peer(daemon)
        let expected = try undisturbed()
        var decisions = try peer.decide("s", Array(inputs[..<20]))
        _ = try peer.control.call(.checkpoint)
        #expect(try HTTPReply("GET", "/readyz", at: daemon.http).status == 200)

        try files.moveItem(atPath: state, toPath: away)
        #expect(try waitForLoss(peer).contains(state))
        for command in [
            .checkpoint, .snapshot(name: "n", .all), .reset(.all), .remove(.all),
        ] as [ControlCommand] {
            let error = #expect(throws: ClientError.self) { try peer.control.call(command, as: JSONValue.self) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("deleted, replaced or unmounted"))
        }
        let reply = try HTTPReply("GET", "/readyz", at: daemon.http)
        #expect(reply.status == 503 && reply.body.contains("deleted, replaced or unmounted"))
        decisions += try peer.decide("s", Array(inputs[20..<40]))
        #expect(daemon.log.split(separator: "\n").count { $0.contains("checkpoint failed") } == 1)
        #expect(!files.fileExists(atPath: state))

        try files.moveItem(atPath: away, toPath: state)
        try waitForRecovery(peer)
        #expect(daemon.log.contains("checkpoints succeed again"))
        #expect(try replaced().isEmpty)
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments(durability)))
        #expect(try again.control.stream("s")?.sequence == 40)
        decisions += try again.decide("s", Array(inputs[40...]))
        #expect(decisions.bits == expected.bits)
    }

    private enum Loss: CaseIterable {
        case deleted, emptied, copied, database, log, journal, seal
    }

    private func lose(_ loss: Loss) throws {
        switch loss {
        case .deleted:
            try files.removeItem(atPath: state)
            try files.createDirectory(atPath: state, withIntermediateDirectories: false)
        case .emptied:
            for file in try files.contentsOfDirectory(atPath: state) {
                try files.removeItem(atPath: "\(state)/\(file)")
            }
        case .copied:
            try files.copyItem(atPath: state, toPath: away)
            try files.removeItem(atPath: state)
            try files.moveItem(atPath: away, toPath: state)
        case .database: try files.removeItem(atPath: "\(state)/sluice.sqlite")
        case .log: try files.removeItem(atPath: "\(state)/sluice.sqlite-wal")
        case .journal: try files.removeItem(atPath: "\(state)/journal.sqlite")
        case .seal: try files.removeItem(atPath: "\(state)/sluice.seal")
        }
    }

    @Test(arguments: Loss.allCases)
    private func `a lost folder is written anew with idle streams and snapshots`(loss: Loss) throws {
        let daemon = try DaemonProcess(arguments("journal") + ["--idle-after", "0.2"])
        let peer = try Peer(daemon)
        let expected = try undisturbed()
        var decisions = try peer.decide("s", Array(inputs[..<20]))
        _ = try peer.decide("idle", values(7))
        _ = try peer.control.call(.snapshot(name: "n", .all))
        try #require(try eventually { try peer.status().asleep == 2 ? true : nil } == true)
        decisions += try peer.decide("s", Array(inputs[20..<30]))

        try lose(loss)
        let isWritten = eventually { daemon.log.contains("everything is written anew") ? true : nil }
        #expect(isWritten == true)
        decisions += try peer.decide("s", Array(inputs[30..<40]))
        try waitForRecovery(peer)
        let isEmpty = loss == .deleted || loss == .emptied
        #expect(try replaced().count == (isEmpty ? 0 : 1))
        daemon.kill()

        let again = try DaemonProcess(arguments("journal"))
        let other = try Peer(again)
        #expect(try other.control.stream("s")?.sequence == 40)
        #expect(try other.control.stream("idle")?.sequence == 7)
        decisions += try other.decide("s", Array(inputs[40...]))
        #expect(decisions.bits == expected.bits)
        _ = try other.control.call(.restore(name: "n", .all))
        #expect(try other.control.stream("s")?.sequence == 20)
        #expect(again.stop() == 0)
    }

    @Test func `a stop writes a lost folder anew without a journal`() throws {
        // The checkpoint interval is so long that only the stop notices the loss.
        let daemon = try DaemonProcess([model2, "--state-dir", state, "--checkpoint-interval", "3600"])
        let peer = try Peer(daemon)
        var decisions = try peer.decide("s", Array(inputs[..<20]))
        _ = try peer.control.call(.checkpoint)
        decisions += try peer.decide("s", Array(inputs[20..<40]))
        try lose(.deleted)
        #expect(daemon.stop() == 0)
        let again = try Peer(try DaemonProcess(arguments("checkpoint")))
        decisions += try again.decide("s", Array(inputs[40...]))
        let expected = try undisturbed()
        #expect(decisions.bits == expected.bits)
    }

    private enum Stranger: CaseIterable {
        case otherState, text, file
    }

    @Test(arguments: Stranger.allCases)
    private func `other files in the folder's place stay unchanged`(stranger: Stranger) throws {
        let daemon = try DaemonProcess(arguments("journal"))
        let peer = try Peer(daemon)
        _ = try peer.decide("s", Array(inputs[..<20]))
        let other = folder.path("other")
        switch stranger {
        case .otherState:
            let owner = try DaemonProcess([model2, "--state-dir", other, "--durability", "journal"])
            _ = try Peer(owner).decide("theirs", values(5))
            owner.kill()
        case .text:
            try files.createDirectory(atPath: other, withIntermediateDirectories: false)
            try "mine".write(toFile: "\(other)/sluice.sqlite", atomically: false, encoding: .utf8)
        case .file:
            try "mine".write(toFile: other, atomically: false, encoding: .utf8)
        }
        let before = try contents(of: other)
        try files.moveItem(atPath: state, toPath: away)
        try files.moveItem(atPath: other, toPath: state)
        _ = try waitForLoss(peer)
        _ = try peer.decide("s", Array(inputs[20..<30]))
        let isSaid = try eventually {
            try peer.status().stateFolderError?.contains("it is not touched") == true ? true : nil
        }
        #expect(isSaid == true)
        #expect(throws: ClientError.self) { try peer.control.call(.checkpoint, as: JSONValue.self) }
        // The state in memory is lost, and the exit status reports the loss.
        #expect(daemon.stop() == 74)
        #expect(try contents(of: state) == before)
    }

    /// Returns the contents of the files in a folder, by name. If the path is a single file, its contents have the
    /// empty name.
    private func contents(of path: String) throws -> [String: Data] {
        guard let names = try? files.contentsOfDirectory(atPath: path) else {
            return ["": try Data(contentsOf: URL(filePath: path))]
        }
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(filePath: "\(path)/\($0)"))) })
    }
}

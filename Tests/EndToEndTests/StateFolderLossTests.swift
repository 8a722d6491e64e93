import Client
import Foundation
import TestSupport
import Testing
import Wire

/// The state folder is deleted, replaced or taken away while the daemon runs.
@Suite struct `A state folder that is lost` {
    private enum Loss: CaseIterable {
        case deleted, moved, database, journal, seal, replaced
    }

    @Test(arguments: Loss.allCases)
    private func `is noticed, said and survived`(loss: Loss) throws {
        let folder = try TemporaryFolder()
        let (state, away) = (folder.path("state"), folder.path("away"))
        let files = FileManager.default
        let daemon = try DaemonProcess([
            model2, "--state-dir", state, "--durability", "journal", "--checkpoint-interval", "0.1", "--http",
            "127.0.0.1:0",
        ])
        let peer = try Peer(daemon)
        let inputs = values(60)
        let undisturbed = try Peer(try DaemonProcess([model2]))
        let expected = try undisturbed.decide("s", inputs)
        var decisions = try peer.decide("s", Array(inputs[..<20]))
        _ = try peer.control.call(.checkpoint, as: CheckpointResult.self)
        #expect(try HTTPReply("GET", "/readyz", at: daemon.http).status == 200)

        switch loss {
        case .deleted: try files.removeItem(atPath: state)
        case .moved: try files.moveItem(atPath: state, toPath: away)
        case .database: try files.moveItem(atPath: "\(state)/sluice.sqlite", toPath: away)
        case .journal: try files.moveItem(atPath: "\(state)/journal.sqlite", toPath: away)
        case .seal: try files.moveItem(atPath: "\(state)/sluice.seal", toPath: away)
        case .replaced:
            try files.moveItem(atPath: state, toPath: away)
            try files.createDirectory(atPath: state, withIntermediateDirectories: false)
            try "mine".write(toFile: "\(state)/sluice.sqlite", atomically: false, encoding: .utf8)
        }
        let noticed = try eventually { try peer.status().stateFolderError }
        #expect(noticed?.contains(state) == true)
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

        switch loss {
        case .deleted: return
        case .moved: try files.moveItem(atPath: away, toPath: state)
        case .database: try files.moveItem(atPath: away, toPath: "\(state)/sluice.sqlite")
        case .journal: try files.moveItem(atPath: away, toPath: "\(state)/journal.sqlite")
        case .seal: try files.moveItem(atPath: away, toPath: "\(state)/sluice.seal")
        case .replaced:
            #expect(try String(contentsOfFile: "\(state)/sluice.sqlite", encoding: .utf8) == "mine")
            try files.removeItem(atPath: state)
            try files.moveItem(atPath: away, toPath: state)
        }
        let healed = try eventually {
            let status = try peer.status()
            return status.stateFolderError == nil && status.journal?.hasFailed == false ? true : nil
        }
        #expect(healed == true)
        #expect(daemon.log.contains("checkpoints succeed again"))
        daemon.kill()
        let again = try Peer(try DaemonProcess([model2, "--state-dir", state, "--durability", "journal"]))
        #expect(try again.control.stream("s")?.sequence == 40)
        decisions += try again.decide("s", Array(inputs[40...]))
        #expect(decisions.bits == expected.bits)
    }
}

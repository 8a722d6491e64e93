import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `Idle streams` {
    private let folder: TemporaryFolder
    private var arguments: [String] {
        [model2, "--state-dir", folder.path, "--checkpoint-interval", "0.05", "--idle-after", "0.05"]
    }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func waitForSleep(_ peer: Peer, _ count: Int = 1) throws {
        let asleep = try eventually { try peer.status().asleep == count ? true : nil }
        try #require(asleep == true)
    }

    @Test func `an idle stream wakes at its next timestep with the same bits`() throws {
        let inputs = values(60)
        let expected = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        var decisions: [Decision] = []
        for part in 0..<3 {
            for value in inputs[(part * 20)..<(part * 20 + 20)] { try peer.feed("s", [value]) }
            decisions += try peer.decisions(of: "s", 20)
            try waitForSleep(peer)
        }
        #expect(decisions.bits == expected.bits)
        #expect(daemon.stop() == 0)
        let again = try Peer(try DaemonProcess([model2, "--state-dir", folder.path]))
        #expect(try again.control.stream("s")?.probability.values == expected.last?.probabilities)
    }

    @Test func `a woken stream survives a crash thanks to its checkpoint and the journal`() throws {
        let arguments = arguments + ["--durability", "journal"]
        let inputs = values(45)
        let expected = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        var decisions = try peer.decide("s", Array(inputs[..<20]))
        try waitForSleep(peer)
        decisions += try peer.decide("s", Array(inputs[20..<40]))
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments))
        #expect(try again.control.stream("s")?.sequence == 40)
        try waitForSleep(again)
        decisions += try again.decide("s", Array(inputs[40...]))
        #expect(decisions.bits == expected.bits)
    }

    @Test func `all requests see hibernated streams with their last outputs`() throws {
        let peer = try Peer(try DaemonProcess(arguments))
        let decisions = try peer.decide("a", values(7))
        _ = try peer.decide("b", values(3))
        try waitForSleep(peer, 2)
        let control = peer.control
        let status = try #require(try control.stream("a"))
        #expect(status.asleep && status.sequence == 7 && status.probability.values == decisions.last?.probabilities)
        #expect(try control.call(.snapshot(name: "n", .all)).streams == 2)
        #expect(try control.call(.export("a")).step == 7)
        #expect(try control.call(.reset(.prefix("a"))).reset == 1)
        #expect(try control.stream("a")?.step == 0)
        #expect(try control.stream("a")?.probability.values == [])
        try waitForSleep(peer, 2)
        #expect(try control.stream("a")?.probability.values == [])
        #expect(try control.call(.restore(name: "n", .stream("a"))).restored == 1)
        #expect(try peer.decide("a", values(1)).map(\.step) == [8])
        #expect(try control.call(.remove(.stream("b"))).removed == 1)
        #expect(try peer.decide("b", values(1)).map(\.sequence) == [1])
    }

    @Test func `a hibernated stream continues with reloaded weights`() throws {
        let file = folder.path("m.keras")
        try Data(contentsOf: URL(filePath: model2)).write(to: folder.url("m.keras"))
        let peer = try Peer(try DaemonProcess([file, "--mode", "stateful"] + arguments.dropFirst()))
        _ = try peer.decide("s", values(7))
        try waitForSleep(peer)
        try Data(contentsOf: Fixtures.url("reference/model1.keras")).write(to: folder.url("m.keras"), options: .atomic)
        #expect(try peer.control.call(.reload(model: "m", reset: false)).carried == 1)
        try waitForSleep(peer)
        #expect(try peer.decide("s", values(1)).map(\.step) == [8])
    }

    @Test func `a stream that is idle too long is forgotten, with an event`() throws {
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path, "--forget-after", "0.1"])
        let watch = try RunningProgram(
            "sluice", ["watch", "--events", "--count", "1", "--control", connecting(daemon.control)])
        _ = try watch.waitForLine { $0.hasPrefix("watching") }
        let peer = try Peer(daemon)
        try peer.feed("s", values(3))
        #expect(watch.waitForEnd() == 0)
        #expect(watch.output.contains(#""event":"forgotten""#) && watch.output.contains(#""stream":"s""#))
        #expect(try peer.control.stream("s") == nil)
        #expect(daemon.stop() == 0)
        #expect(try Peer(try DaemonProcess([model2, "--state-dir", folder.path])).status().streams == 0)
    }

    @Test func `hibernation needs a state folder`() throws {
        let flag = try FinishedProgram("sluiced", [model2, "--idle-after", "9"])
        #expect(flag.status == 64 && flag.errorOutput.contains("--state-dir"))
        let text = "state: {idle_after: 9}\nmodels: {m: {file: \(model2)}}\n"
        let file = try FinishedProgram("sluiced", ["--config", try folder.write(text, to: "c.yaml")])
        #expect(file.status == 78)
        #expect(try FinishedProgram("sluiced", [model2, "--forget-after", "0"]).status == 64)
    }

    @Test func `above --max-streams, new streams are refused, counted and logged`() throws {
        let daemon = try DaemonProcess([model2, "--max-streams", "2"])
        let peer = try Peer(daemon)
        for id in ["a", "b"] { _ = try peer.decide(id, values(1)) }
        try peer.feed("c", values(1))
        _ = try peer.decide("a", values(1))
        #expect(try peer.status().dropped["too_many_streams"] == 1)
        #expect(try peer.status().streams == 2)
        #expect(daemon.log.contains("too_many_streams"))
    }
}

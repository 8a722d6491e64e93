import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests streams that move to another daemon or continue after a crash.
@Suite struct `A transfer of streams` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func sluice(_ arguments: [String], _ daemon: DaemonProcess, input: String = "") throws -> FinishedProgram {
        try FinishedProgram("sluice", arguments + ["--control", connecting(daemon.control)], input: input)
    }

    @Test func `export and import transfer a stream, even under another id`() throws {
        let first = try DaemonProcess([model2, "--threshold", "0.6:0.4"])
        let peer = try Peer(first)
        _ = try peer.decide("s", values(20))
        let exported = try sluice(["export", "s"], first)
        #expect(exported.status == 0)
        let next = try peer.decide("s", values(10, seed: 2))

        let second = try DaemonProcess([model2, "--threshold", "0.6:0.4"])
        #expect(try sluice(["import"], second, input: exported.output).status == 0)
        let fork = try sluice(["import", "--as", "fork"], second, input: exported.output)
        #expect(fork.status == 0 && fork.output == "imported fork\n")
        let there = try Peer(second)
        #expect(try there.decide("s", values(10, seed: 2)).bits == next.bits)
        #expect(try there.decide("fork", values(10, seed: 2)).bits == next.bits)

        #expect(try sluice(["import"], second, input: exported.output).status == 64, "it is there already")
        let other = try DaemonProcess([Fixtures.url("reference/model1.keras").path, "--mode", "stateful"])
        #expect(try sluice(["import"], other, input: exported.output).status == 1)
        #expect(try sluice(["import"], other, input: "{}").status == 65)
        #expect(try Peer(other).status().streams == 0)
        #expect(try sluice(["export", "unknown"], first).status == 66)
    }

    @Test func `training starts from a stream's state, and a daemon imports the state at its end`() throws {
        let first = try DaemonProcess([model2])
        let peer = try Peer(first)
        _ = try peer.decide("s", values(20))
        let (before, after) = (folder.path("before.json"), folder.path("after.json"))
        #expect(try sluice(["export", "s", "--output", before], first).status == 0)
        let rows = values(10, seed: 2).enumerated().map { "\($1),\($0 % 2)" }
        let data = try folder.write("x0,label\n" + rows.joined(separator: "\n") + "\n", to: "data.csv")
        // The learning rate is so small that no weight changes. The state after the training therefore equals the
        // daemon's state.
        let trained = try FinishedProgram(
            "sluice",
            [
                "fit", model2, data, "-o", folder.path("trained.keras"), "--stream", "s", "--initial-state", before,
                "--final-state", after, "--optimizer", "sgd", "--learning-rate", "1e-30",
            ])
        #expect(trained.status == 0, "\(trained.errorOutput)")

        let second = try DaemonProcess([folder.path("trained.keras")])
        let imported = try sluice(["import", after], second)
        #expect(imported.status == 0, "\(imported.errorOutput)")
        _ = try peer.decide("s", values(10, seed: 2))
        let (here, there) = (
            try peer.decide("s", values(10, seed: 3)), try Peer(second).decide("s", values(10, seed: 3))
        )
        #expect(here.map(\.sequence) == there.map(\.sequence) && here.map(\.step) == there.map(\.step))
        for (a, b) in zip(here, there) { #expect(abs(a.probabilities[0] - b.probabilities[0]) < 1e-5) }
    }

    @Test func `a snapshot file transfers all streams`() throws {
        let first = try DaemonProcess([model2])
        let peer = try Peer(first)
        for stream in 0..<1_500 { try peer.feed("many-\(stream)", values(1, seed: stream + 1)) }
        _ = try peer.decide("s", values(20))
        let file = folder.path("backup.sluice")
        let saved = try sluice(["snapshot", "--output", file], first)
        #expect(saved.status == 0 && saved.output.contains("1,501 streams"), "\(saved.errorOutput)")
        #expect(try peer.control.call(.snapshots).snapshots.isEmpty)
        let next = try peer.decide("s", values(10, seed: 2))

        let second = try DaemonProcess([model2])
        let restored = try sluice(["restore", "--input", file], second)
        #expect(restored.status == 0 && restored.output == "restored 1,501 streams\n", "\(restored.errorOutput)")
        let there = try Peer(second)
        #expect(try there.decide("s", values(10, seed: 2)).bits == next.bits)
        #expect(try there.control.stream("many-7")?.probability == peer.control.stream("many-7")?.probability)
        #expect(try there.control.call(.snapshots).snapshots.isEmpty)
        #expect(try sluice(["restore", "s", "--input", file], first).output == "restored 1 stream\n")
        #expect(try peer.decide("s", values(10, seed: 2)).bits == next.bits)

        let other = try DaemonProcess([Fixtures.url("reference/model1.keras").path, "--mode", "stateful"])
        #expect(try sluice(["restore", "--input", file], other).status == 1)
        #expect(try Peer(other).status().streams == 0)
        #expect(try sluice(["restore", "--input", model2], other).status == 65)
        #expect(try sluice(["restore", "--input", folder.path("nowhere")], other).status == 66)
        #expect(try sluice(["snapshot", "--output", "/proc/nowhere"], first).status == 73)
    }

    @Test func `after a crash, a producer sends only the missing timesteps`() throws {
        let inputs = values(600)
        let csv = "x0\n" + inputs.map { "\($0)\n" }.joined()
        let expected = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        let arguments = [model2, "--state-dir", folder.path, "--checkpoint-interval", "0.02"]
        let pipe = ["pipe", "--resume", "--stream", "s", "--batch", "7"]

        let first = try DaemonProcess(arguments)
        let before = try Peer(first)
        let running = try RunningProgram(
            "sluice", pipe + ["--rate", "2000", "--control", connecting(first.control)], input: csv)
        try before.waitForSequence(100, of: "s")
        _ = try #require(try eventually { try before.status().checkpoint })
        first.kill()
        running.kill()

        let second = try DaemonProcess(arguments)
        let peer = try Peer(second)
        let stands = try #require(try peer.control.stream("s")?.sequence)
        #expect(stands > 0 && stands < 600)
        let resumed = try sluice(pipe, second, input: csv)
        #expect(resumed.status == 0, "\(resumed.errorOutput)")
        let decisions = try peer.decisions(of: "s", 600 - Int(stands))
        #expect(decisions.bits == Array(expected[Int(stands)...]).bits)

        let again = try sluice(pipe, second, input: csv)
        #expect(again.status == 0 && again.errorOutput.contains("600 already consumed"))
        #expect(try peer.control.stream("s")?.sequence == 600)
        #expect(try peer.decide("s", values(5, seed: 4)).map(\.step) == [601, 602, 603, 604, 605])
    }
}

import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `A daemon that cannot serve` {
    struct Refusal: CustomTestStringConvertible, Sendable {
        let arguments: [String]
        let status: Int32
        let words: [String]
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static func model(_ name: String) -> String { Fixtures.url("reference/\(name)").path }

    static let refusals = [
        Refusal(arguments: [], status: 64, words: ["MODEL", "--config"]),
        Refusal(arguments: [model("model2.keras"), "--config", "x.yaml"], status: 64, words: ["not both"]),
        Refusal(arguments: ["--config", "x.yaml", "--max-length", "9"], status: 64, words: ["--max-length"]),
        Refusal(arguments: ["nowhere.keras"], status: 66, words: ["nowhere.keras"]),
        Refusal(arguments: ["--config", "nowhere.yaml"], status: 66, words: ["nowhere.yaml"]),
        Refusal(arguments: [model("README.md")], status: 65, words: ["README.md", "supported"]),
        Refusal(
            arguments: [model("model2.keras"), "--state-dir", "/proc/nowhere"], status: 73,
            words: ["/proc/nowhere"]),
    ]

    @Test(arguments: refusals)
    func `a failed start has a suitable exit status and one line of explanation`(refusal: Refusal) throws {
        let ended = try FinishedProgram("sluiced", refusal.arguments)
        #expect(ended.status == refusal.status)
        let complaint = try #require(ended.errorOutput.split(separator: "\n").last { $0.hasPrefix("sluiced: ") })
        for word in refusal.words { #expect(complaint.contains(word)) }
    }

    @Test func `an endpoint in use ends the daemon with exit status 75`() throws {
        let first = try DaemonProcess([model2])
        let second = try FinishedProgram("sluiced", [model2, "--ingest", first.ingest])
        #expect(second.status == 75)
        #expect(second.errorOutput.contains("in use"))
    }

    @Test func `an IPC endpoint in use ends the daemon, although libzmq would take it over`() throws {
        let folder = try TemporaryFolder()
        let first = try DaemonProcess([model2], ingest: ["@ipc://\(folder.path("ingest"))"])
        let second = try FinishedProgram("sluiced", [model2, "--ingest", first.ingest])
        #expect(second.status == 75)
        #expect(second.errorOutput.contains("in use"))
    }

    @Test(arguments: [[2], [0, 1, 2]])
    func `the exit status is the same if the standard streams are closed`(closed: [Int]) throws {
        let ended = try FinishedProgram("sluiced", ["nowhere.keras"], closing: closed)
        #expect(ended.status == 66)
    }

    @Test func `an invalid option ends the daemon with exit status 64`() throws {
        for arguments in [
            ["--ingest", "5550"], ["--threshold", "high"], ["--threshold", "0.4:0.6"], ["--emit", "none"],
            ["--frobnicate"],
            ["--checkpoint-interval", "1e300"], ["--checkpoint-interval", "0"],
            ["--mode", "window"], ["--mode", "window:0:1"], ["--mode", "window:24:0"], ["--mode", "window:65537:1"],
            ["--max-length", "0"], ["--max-length", "long"],
        ] {
            #expect(try FinishedProgram("sluiced", [model2] + arguments).status == 64)
        }
    }
}

@Suite struct `A configuration file` {
    @Test func `a configuration file sets prefixes, thresholds and emit for each of several models`() throws {
        let folder = try TemporaryFolder()
        let text = """
            models:
              power: {file: \(model2), prefixes: ["meter-"], threshold: {rise: 0.9, fall: 0.1}}
              motion: {file: \(Fixtures.url("reference/model1.h5").path), prefixes: ["hand-"], mode: stateful, emit: last}
            state: {dir: state, interval: 60}
            """
        try Data(text.utf8).write(to: folder.url("sluice.yaml"))
        let daemon = try DaemonProcess(["--config", folder.path("sluice.yaml")])
        let peer = try Peer(daemon)

        let meter = try peer.decide("meter-1", values(40))
        try peer.feed("hand-1", values(7))
        let hand = try peer.decisions(of: "hand-1", 1)
        try peer.feed("unknown", [1])
        _ = try peer.decide("meter-2", [1])

        let status = try peer.status()
        #expect(status.models.map(\.name) == ["power", "motion"])
        #expect(hand.map(\.step) == [7])
        #expect(status.dropped["unrouted"] == 1)
        #expect(status.timesteps == 48)
        var label: UInt8 = 0
        for decision in meter {
            label = decision.probabilities[0] >= (label == 1 ? 0.1 : 0.9) ? 1 : 0
            #expect(decision.label == label)
        }
        #expect(FileManager.default.fileExists(atPath: folder.path("state/sluice.sqlite")))
    }

    @Test func `--check-config only checks the file, and reports the line of a fault`() throws {
        let folder = try TemporaryFolder()
        try Data("models:\n  power: {file: \(model2)}\n".utf8).write(to: folder.url("good.yaml"))
        try Data("models:\n  power: {file: \(model2)}\nstat: {}\n".utf8).write(to: folder.url("bad.yaml"))

        let good = try FinishedProgram("sluiced", ["--check-config", "--config", folder.path("good.yaml")])
        let bad = try FinishedProgram("sluiced", ["--check-config", "--config", folder.path("bad.yaml")])

        #expect(good.status == 0)
        #expect(bad.status == 78)
        #expect(bad.errorOutput.contains("bad.yaml:3: unknown key 'stat'"))
    }
}

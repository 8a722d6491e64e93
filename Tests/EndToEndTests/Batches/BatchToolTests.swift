import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests the tool, against the real daemon, with messages that carry many streams.
@Suite struct `The tool with many streams in a message` {
    private let endpoints = ["@tcp://127.0.0.1:*", "batch:pull:@tcp://127.0.0.1:*"]

    private func sluice(_ arguments: String..., daemon: DaemonProcess, input: String = "") throws -> FinishedProgram {
        try FinishedProgram("sluice", arguments + ["--control", connecting(daemon.control)], input: input)
    }

    /// Returns rows of five streams that take turns. The last rows have three timesteps each.
    private func rows(_ prefix: String) -> String {
        let single = (0..<60).map { #"{"stream":"\#(prefix)\#($0 % 5)","values":[\#(Float($0) * 0.05 - 1.5)]}"# }
        let several = (0..<5).map {
            #"{"stream":"\#(prefix)\#($0)","values":[[0.1],[\#(Float($0))],[-0.3]],"end":true}"#
        }
        return (single + several).joined(separator: "\n") + "\n"
    }

    @Test(arguments: ["2", "7", "1000"])
    func `pipe decides the same with many streams in a message as with one`(streams: String) throws {
        let daemon = try DaemonProcess([model2], ingest: endpoints)
        let peer = try Peer(daemon)
        let alone = try sluice("pipe", daemon: daemon, input: rows("alone-"))
        #expect(alone.status == 0, "\(alone.errorOutput)")
        let together = try sluice("pipe", "--streams-per-message", streams, daemon: daemon, input: rows("together-"))
        #expect(together.status == 0, "\(together.errorOutput)")

        for number in 0..<5 {
            let expected = try peer.decisions(of: "alone-\(number)", 15)
            let decisions = try peer.decisions(of: "together-\(number)", 15)
            #expect(decisions.map(\.probabilities) == expected.map(\.probabilities))
            #expect(decisions.map(\.step) == expected.map(\.step))
            #expect(decisions.map { $0.flags.contains(.final) } == expected.map { $0.flags.contains(.final) })
        }
    }

    @Test(arguments: [[], ["--numbers"]])
    func `bench measures batches beside a forwarder that splits them`(numbers: [String]) throws {
        let daemon = try DaemonProcess([model2], ingest: endpoints)
        let bench = try FinishedProgram(
            "sluice",
            ["bench", "--seconds", "0.2", "--rounds", "1", "--streams", "10", "--streams-per-message", "4", "--json"]
                + numbers + ["--control", connecting(daemon.control)])
        #expect(bench.status == 0, "\(bench.errorOutput)")
        let report = try JSONSerialization.jsonObject(with: Data(bench.output.utf8)) as? [String: Any]
        let figures = try #require(report?["daemon"] as? [String: [String: Double]])
        let messages = try #require(figures["messages_per_second"]?["median"])
        let timesteps = try #require(figures["timesteps_per_second"]?["median"])
        #expect(abs(timesteps / messages - 4) < 1e-9)
        #expect(try Peer(daemon).status().streams == 0, "its streams are removed")
    }

    @Test(arguments: [["pipe"], ["bench", "--streams", "4"]])
    func `the error about a daemon without an endpoint for batches names the option to add`(command: [String]) throws {
        let daemon = try DaemonProcess([model2])
        let tool = try FinishedProgram(
            "sluice", command + ["--streams-per-message", "2", "--control", connecting(daemon.control)],
            input: rows("s"))
        #expect(tool.status == 69)
        #expect(tool.errorOutput.contains("--ingest batch:"))
    }

    @Test(arguments: [
        ["pipe", "--streams-per-message", "0"], ["pipe", "--streams-per-message", "65537"],
        ["bench", "--streams", "4", "--streams-per-message", "5"], ["bench", "--numbers"],
    ])
    func `a number of streams that no message can have is refused`(command: [String]) throws {
        #expect(try FinishedProgram("sluice", command, input: "").status == 64)
    }
}

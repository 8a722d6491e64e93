import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests `sluice pipe` across restarts of the daemon on the same endpoints.
@Suite struct `The pipe` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func daemon(_ arguments: [String]) throws -> DaemonProcess {
        try DaemonProcess(
            [model2] + arguments, ingest: ["@ipc://\(folder.path("ingest"))"],
            decisions: "@ipc://\(folder.path("decisions"))", control: "@ipc://\(folder.path("control"))")
    }

    private var control: [String] { ["--control", ">ipc://\(folder.path("control"))"] }

    /// 200 timesteps, which alternate between two streams.
    private static let inputs = values(200)
    private static let ids = ["a", "b"]
    private static var csv: String {
        "stream,x0\n" + inputs.enumerated().map { "\(ids[$0 % 2]),\($1)\n" }.joined()
    }
    private static var numbered: String {
        inputs.enumerated().map {
            #"{"stream":"\#(ids[$0 % 2])","values":[\#($1)],"sequence":\#($0 / 2 + 1)}"# + "\n"
        }.joined()
    }

    /// Returns the state of the streams, bit for bit.
    private func standing(_ daemon: DaemonProcess) throws -> [String] {
        let peer = try Peer(daemon)
        return try peer.control.streams(Self.ids).map {
            "\($0.stream) \($0.sequence) \($0.step) \($0.probability.values.map(\.bitPattern)) \($0.tally.gaps)"
        }
    }

    struct Way: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var arguments: [String] = []
        var isNumbered = false
        var isPipe = false
        var daemon: [String] = []
        var isKilled = true
    }

    static let ways = [
        Way(testDescription: "a file", daemon: ["--checkpoint-interval", "0.1"]),
        Way(
            testDescription: "a file with --resume", arguments: ["--resume"], daemon: ["--checkpoint-interval", "0.1"]),
        Way(testDescription: "standard input", isPipe: true, daemon: ["--checkpoint-interval", "0.1"]),
        Way(testDescription: "standard input, into a daemon without state", isPipe: true, daemon: []),
        Way(testDescription: "JSON lines with numbers", isNumbered: true, isPipe: true, daemon: []),
        Way(
            testDescription: "a file, across an orderly stop", arguments: ["--batch", "3"],
            daemon: ["--checkpoint-interval", "3600"], isKilled: false),
    ]

    @Test(arguments: ways)
    func `the pipe resends timesteps that a restarted daemon lost, and the final state is the same`(_ way: Way) throws {
        let state = way.daemon.isEmpty ? [] : way.daemon + ["--state-dir", folder.path("state")]
        let input = try folder.write(way.isNumbered ? Self.numbered : Self.csv, to: "input")
        let arguments = ["pipe", "--rate", "400"] + way.arguments + control
        var daemon = try daemon(state)
        let pipe =
            if way.isPipe {
                try RunningProgram(
                    "/bin/bash",
                    [
                        "-c", #"cat "$1" | "${@:2}""#, "bash", input,
                        RunningProgram.folder.path(percentEncoded: false) + "/sluice",
                    ]
                        + arguments)
            } else {
                try RunningProgram("sluice", arguments + [input])
            }
        try Peer(daemon).waitForSequence(30, of: "b")
        if way.isKilled { daemon.kill() } else { #expect(daemon.stop() == 0) }
        daemon = try self.daemon(state)

        #expect(pipe.waitForEnd() == 0, "\(pipe.errorOutput)")
        #expect(pipe.errorOutput.contains("200 timesteps of 2 streams"))
        #expect(pipe.errorOutput.contains("all consumed; the daemon was lost meanwhile"))
        let undisturbed = try DaemonProcess([model2])
        let peer = try Peer(undisturbed)
        for (index, value) in Self.inputs.enumerated() { try peer.feed(Self.ids[index % 2], [value]) }
        for id in Self.ids { try peer.waitForSequence(100, of: id) }
        #expect(try standing(daemon) == standing(undisturbed))
        #expect(daemon.stop() == 0)
    }

    @Test func `the pipe reports timesteps that the daemon lost before the pipe began`() throws {
        var daemon = try daemon([])
        let input = try folder.write(Self.csv, to: "input")
        #expect(try FinishedProgram("sluice", ["pipe", input] + control).status == 0)
        let pipe = try RunningProgram("sluice", ["pipe", "--rate", "400", input] + control)
        try Peer(daemon).waitForSequence(110, of: "b")
        daemon.kill()
        daemon = try self.daemon([])
        #expect(pipe.waitForEnd() == 75)
        #expect(pipe.errorOutput.contains("the daemon lost 200 consumed timesteps"))
        #expect(pipe.errorOutput.contains("a from sequence 1 to 100, b from sequence 1 to 100"))
        #expect(try Peer(daemon).status().timesteps == 0, "nothing was sent after the missing timesteps")
        #expect(daemon.stop() == 0)
    }

    @Test func `the pipe waits for a lost daemon only until --timeout`() throws {
        let daemon = try daemon([])
        let input = try folder.write(Self.csv, to: "input")
        let pipe = try RunningProgram("sluice", ["pipe", "--rate", "400", "--timeout", "2", input] + control)
        try Peer(daemon).waitForSequence(10, of: "b")
        daemon.kill()
        #expect(pipe.waitForEnd() == 75)
        #expect(pipe.errorOutput.contains("did not come back within 2 s"))
        #expect(!pipe.errorOutput.contains("all consumed"))
    }

    @Test func `the pipe reports duplicates that the daemon and the pipe itself skipped`() throws {
        let daemon = try daemon([])
        let lines = (1...5).map { #"{"stream":"s","values":[0.5],"sequence":\#($0)}"# + "\n" }
        func pipe(_ input: ArraySlice<String>, _ arguments: String...) throws -> String {
            let ended = try FinishedProgram("sluice", ["pipe"] + arguments + control, input: input.joined())
            #expect(ended.status == 0, "\(ended.errorOutput)")
            return ended.errorOutput
        }
        #expect(try !pipe(lines[..<3]).contains("duplicates"))
        #expect(try pipe(lines[...]).contains("5 timesteps of 1 stream"))
        #expect(try pipe(lines[..<3]).contains("all consumed; the daemon skipped 3 as duplicates"))
        #expect(try pipe(lines[...], "--resume").contains("skipped 5 as duplicates (5 already consumed"))
        #expect(try Peer(daemon).control.stream("s")?.tally.duplicates == 6)
    }

    @Test func `the pipe asks for the positions of many new streams in few requests`() throws {
        let daemon = try DaemonProcess([model2, "--http", "127.0.0.1:*"])
        func requests() throws -> Int {
            let metrics = try HTTPReply("GET", "/metrics", at: daemon.http).body
            let line = try #require(
                metrics.split(separator: "\n").first { $0.hasPrefix(#"sluice_control_requests_total{result="ok"}"#) })
            return try #require(line.split(separator: " ").last.flatMap { Int($0) })
        }
        let before = try requests()
        let csv = "stream,x0\n" + (0..<3).flatMap { _ in (0..<200).map { "new-\($0),0.5\n" } }.joined()
        let pipe = try FinishedProgram("sluice", ["pipe", "--control", connecting(daemon.control)], input: csv)
        #expect(pipe.status == 0 && pipe.errorOutput.contains("600 timesteps of 200 streams"))
        // The pipe repeatedly checks whether all timesteps have been consumed, with two requests per check. The limit
        // allows for the many checks on a slow machine.
        #expect(try requests() - before < 60)
    }
}

import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests `sluice pipe --sequence-by` with models that are not stateful, against Keras' answers to whole sequences.
@Suite struct `Piped sequences` {
    private static let folder = "keras/sequences"
    /// Models that accept any number of timesteps. The first model is causal, and the second needs whole sequences.
    static let models = ["functional", "two_ways_lstm"]

    /// Returns Keras' answer at the end of each sequence of a fixture.
    private static func answers(_ model: String) throws -> [[Float]] {
        var answers: [[Float]] = []
        var stream: String?
        for row in try Fixtures.rows("\(folder)/\(model).csv") {
            if row["stream"] == stream { answers.removeLast() }
            stream = row["stream"]
            answers.append(["y0", "y1"].compactMap { row[$0].flatMap(Float.init) })
        }
        return answers
    }

    private static func daemon(_ model: String, _ arguments: String...) throws -> DaemonProcess {
        try DaemonProcess([Fixtures.url("\(folder)/\(model).keras").path] + arguments)
    }

    private static func arguments(_ daemon: DaemonProcess, _ more: String...) -> [String] {
        ["pipe", "--values", "x0,x1,x2", "--control", connecting(daemon.control)] + more
    }

    @Test(arguments: models, ["sequence", "window:20:20"])
    func `each sequence of a file is decided with Keras' answer`(_ model: String, mode: String) throws {
        let daemon = try Self.daemon(model, "--mode", mode)
        let peer = try Peer(daemon)
        let file = Fixtures.url("\(Self.folder)/\(model).csv").path
        let pipe = try FinishedProgram(
            "sluice", Self.arguments(daemon, "--stream", "dev", "--sequence-by", "stream", file))
        #expect(pipe.status == 0)
        let answers = try Self.answers(model)
        #expect(answers.count == 8)
        #expect(pipe.errorOutput.hasSuffix("all consumed; 8 decided\n"), "\(pipe.errorOutput)")
        for (decision, answer) in zip(try peer.decisions(of: "dev", 8), answers) {
            #expect(decision.flags.contains(.final))
            #expect(zip(decision.probabilities, answer).allSatisfy { abs($0 - $1) <= tolerance })
        }
    }

    @Test func `a sequence in live input is decided when the next one starts, stream by stream`() throws {
        let daemon = try Self.daemon("functional")
        let peer = try Peer(daemon)
        let input = Pipe()
        let pipe = try RunningProgram("sluice", Self.arguments(daemon, "--sequence-by", "trip"), input: input)
        func write(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
        try write("stream,trip,x0,x1,x2\na,1,0,0,0\nb,1,0,0,1\na,1,0,0,0\n")
        try peer.waitForSequence(1, of: "a")
        try write("a,2,0,0,0\n")
        #expect(try peer.decisions(of: "a", 1).map(\.step) == [2])
        // The interruption below ends the input. The pipe still sends the rows that it has read, except for the partial
        // line.
        try write("b,1,0,0,1\nb,2,0,0,")
        try peer.waitForSequence(1, of: "b")
        #expect(try peer.control.stream("a")?.sequence == 2)
        kill(pipe.processIdentifier, SIGINT)
        #expect(pipe.waitForEnd() == SIGINT)
        #expect(pipe.errorOutput.hasPrefix("interrupted: 5 timesteps of 2 streams in "))
        #expect(pipe.errorOutput.hasSuffix("all consumed; 1 decided\n"))
        let streams = try peer.control.streams(["a", "b"])
        #expect(streams.map(\.sequence) == [3, 2] && streams.map(\.step) == [1, 2])
    }

    @Test func `a stateful model gets each row as it arrives`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let input = Pipe()
        let pipe = try RunningProgram(
            "sluice",
            [
                "pipe", "--stream", "s", "--values", "x", "--sequence-by", "day", "--control",
                connecting(daemon.control),
            ],
            input: input)
        for line in ["day,x\n1,0.5\n", "1,0.5\n", "2,0.5\n"] {
            try input.fileHandleForWriting.write(contentsOf: Data(line.utf8))
            _ = try peer.decisions(of: "s", 1)
        }
        try input.fileHandleForWriting.close()
        #expect(pipe.waitForEnd() == 0)
        #expect(pipe.errorOutput.hasSuffix("all consumed; 3 decided\n"))
        #expect(try peer.control.stream("s")?.step == 1)
    }

    @Test func `an interrupted file continues with --resume, and each sequence is decided once`() throws {
        let daemon = try Self.daemon("functional")
        let peer = try Peer(daemon)
        let file = Fixtures.url("\(Self.folder)/functional.csv").path
        let arguments = Self.arguments(daemon, "--stream", "dev", "--sequence-by", "stream", file)
        let pipe = try RunningProgram("sluice", arguments + ["--rate", "40"])
        try peer.waitForSequence(9, of: "dev")
        pipe.terminate()
        #expect(pipe.waitForEnd() == SIGTERM)
        #expect(pipe.errorOutput.hasSuffix("; --resume sends the rest\n"))
        let rest = try FinishedProgram("sluice", arguments + ["--resume"])
        #expect(rest.status == 0, "\(rest.errorOutput)")
        let answers = try Self.answers("functional")
        for (decision, answer) in zip(try peer.decisions(of: "dev", 8), answers) {
            #expect(zip(decision.probabilities, answer).allSatisfy { abs($0 - $1) <= tolerance })
        }
        #expect(try peer.status().decisions == 8)
    }

    @Test(arguments: [
        ([], "a row", "0 decided: no sequence has ended; end one with --sequence-by"),
        (["--mode", "window:4:1"], "a row", "0 decided: no stream has the 4 timesteps of a window yet"),
        (["--mode", "stateful"], "a row", "1 decided"),
        ([], "none", "0 decided: there was no new timestep"),
    ])
    func `the pipe explains why its timesteps led to no decision`(
        _ mode: [String], input: String, _ end: String
    ) throws {
        let daemon = try DaemonProcess([Fixtures.url("\(Self.folder)/functional.keras").path] + mode)
        let pipe = try FinishedProgram(
            "sluice", Self.arguments(daemon, "--stream", "s"),
            input: "x0,x1,x2\n" + (input == "none" ? "" : "1,2,3\n"))
        #expect(pipe.status == 0 && pipe.errorOutput.contains("all consumed; \(end)"), "\(pipe.errorOutput)")
    }

    @Test(arguments: [
        (
            "keras/sequences/functional.keras", [],
            "functional: one decision per sequence, at `end`; --mode stateful decides on every timestep"
        ),
        ("keras/sequences/two_ways_lstm.keras", [], "two_ways_lstm: one decision per sequence, at `end`"),
        (
            "reference/model3.keras", [],
            "model3: one decision per sequence, after 24 timesteps or at `end`; --mode stateful decides on every timestep"
        ),
        ("reference/model2.keras", [], "model2: a decision on every timestep"),
        (
            "reference/model2.keras", ["--mode", "window:24:3", "--emit", "change"],
            "model2: a decision on the last 24 timesteps, at every 3 timesteps, only when the label changes"
        ),
    ])
    func `the daemon's ready line names each model with its mode in words`(
        _ file: String, _ arguments: [String], _ words: String
    ) throws {
        let daemon = try DaemonProcess([Fixtures.url(file).path] + arguments)
        #expect(daemon.log.contains("; \(words)\n"), "\(daemon.log)")
    }
}

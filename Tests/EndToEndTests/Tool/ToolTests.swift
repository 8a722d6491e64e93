import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `The tool` {
    /// Runs `sluice` against a daemon.
    private func sluice(_ arguments: String..., daemon: DaemonProcess, input: String = "") throws -> FinishedProgram {
        try FinishedProgram("sluice", arguments + ["--control", connecting(daemon.control)], input: input)
    }

    @Test(arguments: [["@tcp://127.0.0.1:*"], ["pull:@tcp://127.0.0.1:*"]])
    func `529 days piped as one meter are decided with Keras' accuracy`(ingest: [String]) throws {
        let daemon = try DaemonProcess([model2], ingest: ingest)
        let file = Fixtures.url("reference/power_test.csv").path
        let watch = try RunningProgram(
            "sluice", ["watch", "meter", "--count", "12696", "--control", connecting(daemon.control)])
        _ = try watch.waitForLine { $0.hasPrefix("watching") }

        let pipe = try sluice(
            "pipe", file, "--stream", "meter", "--values", "x0", "--sequence-by", "stream", daemon: daemon)

        #expect(pipe.status == 0, "\(pipe.errorOutput)")
        #expect(watch.waitForEnd() == 0)
        let labels = try Fixtures.rows("reference/power_test.csv").compactMap { $0["label"] }
        let lines = watch.output.split(separator: "\n").map { $0.split(separator: ",") }
        #expect(lines.count == 12_697)
        #expect(lines[0].prefix(6) == ["stream", "sequence", "step", "time", "probability", "label"])
        let atHour24 = lines.dropFirst().filter { $0[2] == "24" }
        let right = try atHour24.count { $0[5] == labels[try #require(Int($0[1])) - 1] }
        #expect(atHour24.count == 529)
        #expect(String(format: "%.4f", Double(right) / 529) == "0.9622")
    }

    @Test func `the pipe reads several streams from standard input, as CSV and as JSON lines`() throws {
        let daemon = try DaemonProcess([model2])
        let csv = "meter,power\na,0.5\nb,-0.5\na,0.25\n"
        let lines = #"{"stream":"a","values":[0.1]}"# + "\n" + #"{"stream":"c","values":[[0.2],[0.3]]}"# + "\n"

        #expect(try sluice("pipe", "--stream-column", "meter", daemon: daemon, input: csv).status == 0)
        #expect(try sluice("pipe", daemon: daemon, input: lines).status == 0)

        let peer = try Peer(daemon)
        #expect(try ["a", "b", "c"].map { try peer.control.stream($0)?.sequence } == [3, 1, 2])
    }

    @Test func `two encodings of one id are two streams for the tool`() throws {
        let daemon = try DaemonProcess([model2])
        let csv = "meter,power\n\u{E9},0.5\ne\u{301},-0.5\n\u{E9},0.25\n"

        let pipe = try sluice("pipe", "--stream-column", "meter", "--batch", "10", daemon: daemon, input: csv)

        #expect(pipe.status == 0, "\(pipe.errorOutput)")
        let peer = try Peer(daemon)
        #expect(try ["\u{E9}", "e\u{301}"].map { try peer.control.stream($0)?.sequence } == [2, 1])
    }

    @Test func `the pipe sends the rows before an invalid row, then stops and reports its line`() throws {
        let daemon = try DaemonProcess([model2])
        let pipe = try sluice("pipe", "--stream", "s", daemon: daemon, input: "x0\n0.5\n0.25\nmany\n0.125\n")
        #expect(pipe.status == 65)
        #expect(pipe.errorOutput.contains(":4:"))
        #expect(try Peer(daemon).control.stream("s")?.sequence == 2)
    }

    @Test func `the pipe reports timesteps that were not consumed`() throws {
        let daemon = try DaemonProcess([model2])
        #expect(try sluice("pipe", "--stream", "s", daemon: daemon, input: "x0\n0.5\n").status == 0)
        #expect(try sluice("pause", "s", daemon: daemon).status == 0)
        let pipe = try sluice("pipe", "--stream", "s", daemon: daemon, input: "x0\n0.5\n")
        #expect(pipe.status == 75)
        #expect(pipe.errorOutput.contains("paused"))
    }

    @Test func `status fits 80 columns and shows rate, memory, threshold, emit and the state folder`() throws {
        let folder = try TemporaryFolder()
        let state = folder.path(String(repeating: "a-long-folder-name-", count: 6))
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        let daemon = try DaemonProcess([model2, "--state-dir", state, "--threshold", "0.6:0.4"])
        let status = try sluice("status", daemon: daemon)
        #expect(status.status == 0, "\(status.errorOutput)")
        for line in status.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        for word in ["memory ", "timesteps/s", "emit every", "threshold 0.6:0.4", "a-long-folder-name-"] {
            #expect(status.output.contains(word), "\(word)")
        }
    }

    @Test func `stream shows one stream in full, and no probability after a reset`() throws {
        let daemon = try DaemonProcess([model2])
        #expect(try sluice("pipe", "--stream", "s", daemon: daemon, input: "x0\n0.5\n0.25\n").status == 0)
        let before = try sluice("stream", "s", daemon: daemon).output
        for fact in [#/(?m)^step +2$/#, #/(?m)^probability +0\.[0-9]{4}$/#, #/(?m)^state +20 floats, norm [0-9.]+/#] {
            #expect(before.contains(fact), "\(before)")
        }
        #expect(try sluice("reset", "s", daemon: daemon).status == 0)
        let after = try sluice("stream", "s", daemon: daemon).output
        for fact in [#/(?m)^step +0$/#, #/(?m)^probability +-$/#, #/(?m)^label +-$/#, #/norm 0.0000/#] {
            #expect(after.contains(fact), "\(after)")
        }
        #expect(try sluice("streams", daemon: daemon).output.contains(#/s +model2 +2 +0 +- +-/#))
    }

    @Test func `resume counts the streams that were paused`() throws {
        let daemon = try DaemonProcess([model2])
        let rows = "stream,x0\na,0.5\nb,0.5\nbb,0.5\n"
        #expect(try sluice("pipe", daemon: daemon, input: rows).status == 0)
        #expect(try sluice("pause", "--prefix", "b", daemon: daemon).output == "paused 2 streams\n")
        #expect(try sluice("resume", "a", daemon: daemon).output == "resumed 0 streams\n")
        #expect(try sluice("resume", "--prefix", "bb", daemon: daemon).output == "resumed 1 stream\n")
        #expect(try sluice("resume", "--all", daemon: daemon).output == "resumed 1 stream\n")
    }

    @Test func `each control command ends with exit status 0 and has JSON for scripts`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
        #expect(try sluice("pipe", "--stream", "s", daemon: daemon, input: "x0\n0.5\n0.25\n").status == 0)
        let commands: [[String]] = [
            ["status"], ["streams"], ["streams", "s"], ["stream", "s"], ["snapshot", "one"], ["snapshots"],
            ["reset", "s"], ["reset", "--prefix", "s"], ["restore", "one"], ["pause", "--all"], ["resume", "s"],
            ["checkpoint"], ["delete-snapshot", "one"], ["remove", "s"], ["shutdown"],
        ]
        for command in commands {
            let arguments = command + ["--json", "--control", connecting(daemon.control)]
            let ended = try FinishedProgram("sluice", arguments)
            #expect(ended.status == 0, "\(command): \(ended.errorOutput)")
            #expect(ended.output.split(separator: "\n").count == 1)
            _ = try JSONDecoder().decode(JSONValue.self, from: Data(ended.output.utf8))
        }
        #expect(daemon.waitForEnd() == 0)
    }

    @Test func `the tool escapes foreign text for people, but passes it unchanged to programs`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let id = "a\u{202E}b\u{2028}c"
        let watch = try RunningProgram("sluice", ["watch", "--count", "1", "--control", connecting(daemon.control)])
        _ = try watch.waitForLine { $0.hasPrefix("watching") }
        _ = try peer.decide(id, [1])

        let dangerous = Set<Unicode.Scalar>(["\u{202E}", "\u{2028}"])
        let table = try sluice("streams", daemon: daemon)
        #expect(table.output.contains(#"a\u{202e}b\u{2028}c"#))
        let json = try sluice("stream", id, "--json", daemon: daemon)
        #expect(json.output.contains(#""stream":"a\u202eb\u2028c""#))
        let error = try sluice("stream", id + "x", daemon: daemon)
        #expect(error.status == 66 && error.errorOutput.contains(#"'a\u{202e}b\u{2028}cx'"#))
        for shown in [table.output, json.output, error.errorOutput] {
            #expect(!shown.unicodeScalars.contains { dangerous.contains($0) })
        }
        #expect(watch.waitForEnd() == 0)
        #expect(watch.output.contains("\n\(id),1,"), "a program gets the bytes")
    }

    @Test func `the exit status of the tool identifies the kind of error`() throws {
        let daemon = try DaemonProcess([model2])
        #expect(try sluice("stream", "unknown", daemon: daemon).status == 66)
        #expect(try sluice("restore", "unknown", daemon: daemon).status == 66)
        #expect(try sluice("reset", daemon: daemon).status == 64)
        #expect(try sluice("reset", "s", "--all", daemon: daemon).status == 64)
        #expect(try sluice("checkpoint", daemon: daemon).status == 1)
        #expect(try sluice("pipe", "--stream", "s", "--rate", "1e-300", daemon: daemon).status == 64)
        #expect(try sluice("watch", "--for", "1e300", daemon: daemon).status == 64)
        #expect(try FinishedProgram("sluice", ["inspect", "nowhere.keras"]).status == 66)
        #expect(try FinishedProgram("sluice", ["inspect", Fixtures.url("reference/accuracy.json").path]).status == 65)
    }

    @Test(arguments: ["status", "watch", "pipe"])
    func `the tool reports an unreachable daemon within 2 s`(command: String) throws {
        let folder = try TemporaryFolder()
        let start = ContinuousClock.now
        let ended = try FinishedProgram("sluice", [command, "--control", "ipc://\(folder.path("nobody"))"])
        #expect(ended.status == 69)
        #expect(ended.errorOutput.contains("cannot reach"))
        #expect(start.duration(to: .now) < .seconds(10), "far more than 2 s, even on a busy machine")
    }

    @Test func `inspect shows the contents of a model file like Keras' summary`() throws {
        let keras = try FinishedProgram("sluice", ["inspect", model2])
        let legacy = try FinishedProgram("sluice", ["inspect", Fixtures.url("reference/model2.h5").path])
        for text in ["lstm_1 (LSTM)", "(1, 10)", "480", "dense_1 (Dense)", "(1, 1)", "11", "491", "stateful"] {
            #expect(keras.output.contains(text))
        }
        let fingerprint = try #require(keras.output.split(separator: "\n").first { $0.hasPrefix("Fingerprint") })
        #expect(legacy.output.contains(fingerprint))
        #expect(keras.output.contains("20 floats a stream"))

        let whole = try FinishedProgram("sluice", ["inspect", Fixtures.url("reference/model5.keras").path])
        #expect(whole.output.contains("needs the whole sequence"))
    }

    @Test func `a late reply is not mistaken for the reply to the next request`() throws {
        let daemon = try DaemonProcess([model2])
        let control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 2, in: try Context())
        _ = try control.call(.status)
        do {
            let hanging = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            defer { withExtendedLifetime(hanging) {} }
            let error = #expect(throws: ClientError.self) { try control.call(.status) }
            #expect(error?.status == .temporary)
        }
        #expect(try control.call(.snapshots).snapshots.isEmpty)
    }

    @Test func `the bench measures a daemon and a bare forwarder in one run`() throws {
        let daemon = try DaemonProcess([model2])
        let bench = try sluice(
            "bench", "--seconds", "0.2", "--rounds", "1", "--streams", "10", "--json", daemon: daemon)
        #expect(bench.status == 0, "\(bench.errorOutput)")
        #expect(bench.output.contains("daemon") && bench.output.contains("forwarder"))
        #expect(try Peer(daemon).status().streams == 0, "its streams are removed")
    }

    @Test(arguments: [["bench", "engine", "--json"], ["bench", "--json", "engine"]])
    func `the engine bench prints its figures as one JSON object`(command: [String]) throws {
        let bench = try FinishedProgram("sluice", command + ["--units", "4", "--samples", "1"])
        #expect(bench.status == 0, "\(bench.errorOutput)")
        let object = try JSONSerialization.jsonObject(with: Data(bench.output.utf8)) as? [String: Any]
        let figures = try #require(object?["figures"] as? [[String: Any]])
        #expect(figures.allSatisfy { $0["units"] as? Int == 4 && ($0["alone_ns"] as? [String: Any]) != nil })
    }

    @Test(arguments: [
        ("model3.initial.keras", ["--batch-size", "16"], 10), ("model2.initial.keras", ["--chunk", "12"], 300),
    ])
    func `the training bench counts the updates of an epoch and times them`(
        model: String, options: [String], updates: Int
    ) throws {
        let command = ["bench", "training", FitCase.path(model), FitCase.path("power_150.csv"), "--samples", "1"]
        let rows = ["--values", "x0", "--sequence-by", "stream"]
        let bench = try FinishedProgram("sluice", command + rows + options + ["--json"])
        #expect(bench.status == 0, "\(bench.errorOutput)")
        let object = try JSONSerialization.jsonObject(with: Data(bench.output.utf8)) as? [String: Any]
        #expect(object?["updates"] as? Int == updates && object?["timesteps"] as? Int == 3600)
        #expect((object?["losses"] as? [Double])?.count == 3)
        let medians = try ["timestep_ns", "update_ns"].map { name in
            try #require((object?[name] as? [String: Double])?["median"])
        }
        let (one, all) = (medians[0], medians[1])
        #expect(one > 0 && abs(all * Double(updates) / (one * 3600) - 1) < 1e-9)
    }

    @Test func `the training bench refuses options that do not fit the model`() throws {
        let command = [
            "bench", "training", FitCase.path("model3.initial.keras"), FitCase.path("power_8.csv"), "--values", "x0",
        ]
        for (options, words) in [
            (["--chunk", "2"], "--chunk is only for stateful models"),
            (["--samples", "0"], "--samples must be from 1"),
            (["--jobs", "0"], "--jobs must be 1 to 1024"),
            (["--batch-size", "0"], "--batch-size must be at least 1"),
        ] {
            let refused = try FinishedProgram("sluice", command + options)
            #expect(refused.status == 64 && refused.errorOutput.contains(words), "\(refused.errorOutput)")
            #expect(refused.output.isEmpty)
        }
    }
}

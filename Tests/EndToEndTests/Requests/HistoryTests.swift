import Foundation
import TestSupport
import Testing
import Wire

@testable import Client

/// Tests the history of decisions over real sockets, and the commands that show it.
@Suite struct `The history of a daemon's streams` {
    private func history(
        _ peer: Peer, _ streams: HistoryRequest.Streams, points: Int? = nil, since: Double? = nil
    ) throws -> HistoryAnswer {
        try peer.control.call(.history(HistoryRequest(streams, points: points, since: since)))
    }

    private func recent(_ peer: Peer, _ count: Int, _ search: String? = nil) throws -> [String] {
        try history(peer, .recent(count, search: search, model: nil)).streams.map(\.stream)
    }

    private func sluice(_ arguments: String..., daemon: DaemonProcess) throws -> FinishedProgram {
        try FinishedProgram("sluice", arguments + ["--control", connecting(daemon.control)])
    }

    @Test(arguments: ["@tcp://127.0.0.1:*", batchEndpoint])
    func `the history has Keras' answers on the last timesteps, and their times`(ingest: String) throws {
        let answers = try KerasAnswers("reference/model2.csv").streams.prefix(20)
        let daemon = try DaemonProcess([model2, "--history", "10"], ingest: [ingest])
        let peer = try Peer(daemon)
        let begin = Date.now.timeIntervalSince1970
        for step in answers[0].values.indices {
            let entries = answers.filter { step < $0.values.count }.map { Entry($0.name, [$0.values[step]]) }
            if ingest == batchEndpoint {
                try peer.send(batches: entries, size: 100)
            } else {
                for entry in entries { try peer.feed(entry.stream, entry.values) }
            }
        }
        let decided = try peer.allDecisions(answers.reduce(0) { $0 + $1.values.count })
        let found = try history(peer, .named(answers.map(\.name)))
        #expect(found.points == 10)
        #expect(found.held == answers.count)
        #expect(found.bytes <= found.limitBytes)
        #expect(found.streams.map(\.stream) == answers.map(\.name))
        for (stream, answer) in zip(found.streams, answers) {
            let decisions = try #require(decided[answer.name]).suffix(10)
            #expect(stream.probabilities == decisions.map { $0.probabilities[0] })
            #expect(stream.times == decisions.map { Double($0.time / 1_000_000) / 1_000 })
            #expect(stream.threshold == 0.5)
            #expect(stream.timesteps == UInt64(answer.values.count))
            for (probability, expected) in zip(stream.probabilities, answer.answers.suffix(10)) {
                #expect(abs(try #require(probability) - expected) <= tolerance)
            }
            #expect(stream.times == stream.times.sorted())
            #expect(try #require(stream.times.first) >= begin - 0.001)
        }
    }

    @Test func `a client that asks again gets only the decisions since then`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(5))
        let first = try #require(try history(peer, .named(["s"])).streams.first)
        #expect(first.times.count == 5)
        #expect(try history(peer, .named(["s"]), points: 2).streams[0].times == first.times.suffix(2))
        Thread.sleep(forTimeInterval: 0.01)
        let new = try peer.decide("s", values(3))
        let second = try #require(try history(peer, .named(["s"]), since: first.times.last).streams.first)
        #expect(second.probabilities == new.map { $0.probabilities[0] })
    }

    @Test func `resets, restores and gaps are marked`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(2))
        _ = try peer.control.call(.snapshot(name: "before", .all))
        _ = try peer.control.call(.reset(.all))
        try peer.feed("s", values(1), sequence: 9)
        _ = try peer.decisions(of: "s", 1)
        _ = try peer.control.call(.restore(name: "before", .all))
        let found = try #require(try history(peer, .named(["s"])).streams.first)
        #expect(found.marks.map(\.kind) == [.reset, .gap, .restored])
        #expect(found.times.count == 3)
        let times = found.marks.map(\.time)
        #expect(times == times.sorted())
        #expect(abs(times[1] - found.times[2]) < 0.002)
    }

    @Test func `a search finds some of many streams, the most recent first`() throws {
        let daemon = try DaemonProcess([model2, "--history-bytes", "131072"], ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        let entries = (0..<5_000).map { Entry("hall-\($0)/meter", values(1)) }
        try peer.send(batches: entries, size: 500)
        _ = try peer.allDecisions(entries.count)
        #expect(try recent(peer, 10, "-4321/") == ["hall-4321/meter"])
        #expect(try recent(peer, 1_000, "12/m").count == 50)
        #expect(try recent(peer, 1_000).count == 1_000)
        #expect(try recent(peer, 10, "nothing").isEmpty)
        // The live table asks for a prefix, while a search finds the text anywhere.
        #expect(try peer.control.histories(prefix: "hall-99").count == 11)
        #expect(try peer.control.histories(prefix: "99").isEmpty)
        try peer.send(batches: [Entry("hall-77/meter", values(1))], size: 1)
        _ = try peer.allDecisions(1)
        #expect(try recent(peer, 2, "hall")[0] == "hall-77/meter")
        let held = try history(peer, .named([])).held
        #expect(held > 100 && held < 5_000)
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `a history begins anew with the daemon`(durability: String) throws {
        let folder = try TemporaryFolder()
        for run in 1...2 {
            let daemon = try DaemonProcess([model2, "--state-dir", folder.path, "--durability", durability])
            let peer = try Peer(daemon)
            if run == 2 { #expect(try history(peer, .named(["s"])).streams.map(\.times) == [[]]) }
            _ = try peer.decide("s", values(3))
            #expect(try history(peer, .named(["s"])).streams.map(\.times.count) == [3])
            // Without an orderly stop, the journal is replayed at the next start.
            if durability == "journal" { daemon.kill() } else { #expect(daemon.stop() == 0) }
        }
    }

    @Test func `a daemon without a history decides as before, and says so`() throws {
        let runs = try [["--history", "5"], ["--history", "0"]].map { options in
            let daemon = try DaemonProcess([model2] + options)
            let peer = try Peer(daemon)
            let decisions = try peer.decide("s", values(300), cuts: [1, 7, 100])
            return (decisions, try history(peer, .recent(5, search: nil, model: nil)), daemon)
        }
        let (with, without) = (runs[0], runs[1])
        #expect(with.0.map(\.probabilities) == without.0.map(\.probabilities))
        #expect(with.1.points == 5)
        #expect(with.1.streams.map(\.times.count) == [5])
        #expect(without.1.points == 0)
        #expect(without.1.streams.map(\.times.count) == [0])
        let shown = try sluice("stream", "s", daemon: without.2).output
        #expect(shown.contains("none kept; start sluiced with --history N"))
    }

    @Test func `stream shows the history as bars, and as JSON`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let decisions = try peer.decide("s", values(60))
        _ = try peer.control.call(.reset(.all))
        let shown = try sluice("stream", "s", daemon: daemon).output
        var bars = Sparkline(capacity: 40)
        for decision in decisions { bars.append(decision.probabilities[0]) }
        #expect(shown.contains(bars.text), "\(shown)")
        #expect(shown.contains(#/60\s+decisions\s+in\s/#), "\(shown)")
        #expect(shown.contains("1 reset"), "\(shown)")

        struct Shown: Decodable {
            struct History: Decodable {
                let times: [Double]
                let probabilities: [Float]
                let marks: [HistoryMark]
            }
            let history: History
            let step: UInt64
        }
        let json = try sluice("stream", "s", "--json", daemon: daemon).output
        let read = try JSONDecoder().decode(Shown.self, from: Data(json.utf8))
        #expect(read.history.probabilities == decisions.map { $0.probabilities[0] })
        #expect(read.history.times.count == 60)
        #expect(read.history.marks.map(\.kind) == [.reset])
        #expect(read.step == 0)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "script provides a terminal"))
    func `the live table begins with the last decisions of the watched streams`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        _ = try peer.decide("other", values(3))
        let decisions = try peer.decide("meter-1", values(50))
        let tool = RunningProgram.folder.appending(path: "sluice").path
        let terminal = try FinishedProgram(
            "/usr/bin/script", ["-qec", "'\(tool)' watch meter- --for 0.5", "/dev/null"],
            environment: ["TERM": "xterm", "SLUICE_CONTROL": connecting(daemon.control)])
        #expect(terminal.status == 0, "\(terminal.output)")
        var bars = Sparkline(capacity: 20)
        for decision in decisions { bars.append(decision.probabilities[0]) }
        #expect(terminal.output.contains(#/meter-1 .* replayed/#), "\(terminal.output)")
        #expect(terminal.output.contains("\(bars.text)\u{1B}[K"), "\(terminal.output)")
        #expect(!terminal.output.contains("other"), "\(terminal.output)")
    }
}

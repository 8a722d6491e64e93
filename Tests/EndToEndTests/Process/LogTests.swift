import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The log` {
    private struct Line: Decodable {
        let time: String
        let level: String
        let message: String
    }

    private func lines(_ log: String) throws -> [Line] {
        try log.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test func `each line of the log is a JSON object, whatever it quotes`() throws {
        let daemon = try DaemonProcess([model2, "--log-format", "json"])
        let peer = try Peer(daemon)
        let id = Array("a\"b\\\n\u{1}\u{2028}é".utf8) + [0xFF]
        try peer.send([id, Timesteps.bytes([1])])
        _ = try peer.decide("s", [1])
        #expect(daemon.stop() == 0)

        let lines = try lines(daemon.log)

        let time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/
        #expect(lines.allSatisfy { $0.time.wholeMatch(of: time) != nil })
        let ready = try #require(lines.first { $0.message.hasPrefix("ready: ") })
        #expect(ready.level == "info" && ready.message.contains(daemon.control))
        let drop = try #require(lines.first { $0.level == "warning" })
        #expect(drop.message.contains(#"a\"b\\\n"#) && drop.message.hasSuffix("(id)"))
        #expect(lines.last?.message.hasPrefix("stopped: 1 timesteps") == true)
    }

    /// Ids that could control a terminal or change how a line looks. The daemon refuses control characters, but accepts
    /// the bidirectional override and the line separator. The ids are few enough that the log's limit per second allows
    /// a line for each.
    private static let sly = ["a\u{9B}31mEVIL", "b\u{202E}EVIL", "c\u{2028}EVIL", "\u{1B}]0;\u{200B}EVIL"]
    private static let dangerous = Set<Unicode.Scalar>(["\u{9B}", "\u{202E}", "\u{2028}", "\u{200B}", "\u{1B}"])

    @Test(arguments: ["text", "json"])
    func `the log contains no terminal controls, whatever a producer calls its streams`(format: String) throws {
        let daemon = try DaemonProcess([model2, "--log-format", format])
        let peer = try Peer(daemon)
        for id in Self.sly { try peer.send([Array(id.utf8), Timesteps.bytes([1, .nan])]) }
        try peer.send([[0x61, 0xFF, 0x45], Timesteps.bytes([1])])
        _ = try peer.decide("s", [1])
        #expect(daemon.stop() == 0)

        let dropped = daemon.log.split(separator: "\n").filter { $0.contains("dropped a message") }
        #expect(dropped.count == Self.sly.count + 1)
        #expect(!daemon.log.unicodeScalars.contains { Self.dangerous.contains($0) })
        for shown in [#"u{9b}31mEVIL"#, #"u{202e}EVIL"#, #"u{2028}EVIL"#, "u{1b}]0;", "u{200b}EVIL", #"xffE"#] {
            #expect(dropped.contains { $0.contains(shown) }, "\(shown)")
        }
    }

    @Test func `the log is JSON to the last line, even if the daemon cannot serve`() throws {
        let ended = try FinishedProgram("sluiced", ["nowhere.keras", "--log-format", "json"])
        #expect(ended.status == 66)
        let line = try #require(try lines(ended.errorOutput).last)
        #expect(line.level == "critical" && line.message.contains("nowhere.keras"))
    }

    @Test func `the log keeps its initial level until a request changes it`() throws {
        let folder = try TemporaryFolder()
        let text = """
            models: {m: {file: \(model2)}}
            state: {dir: state, interval: 3600}
            log: {format: text, level: info}
            """
        let daemon = try DaemonProcess(["--config", try folder.write(text, to: "sluice.yaml")])
        let peer = try Peer(daemon)
        func sluice(_ arguments: String...) throws -> String {
            let ended = try FinishedProgram("sluice", arguments + ["--control", connecting(daemon.control)])
            try #require(ended.status == 0, "\(ended.errorOutput)")
            return ended.output
        }
        func checkpoint(_ value: Float) throws {
            _ = try peer.decide("s", [value])
            _ = try peer.control.call(.checkpoint)
        }
        func checkpointsLogged() -> Int {
            daemon.log.split(separator: "\n").count { $0.contains("checkpoint: 1 streams") }
        }

        try checkpoint(1)
        #expect(checkpointsLogged() == 0)
        #expect(try sluice("log-level", "debug") == "log level debug, before info\n")
        try checkpoint(2)
        #expect(checkpointsLogged() == 1)
        #expect(try sluice("log-level") == "log level debug\n")
        #expect(try sluice("log-level", "error", "--json") == #"{"level":"debug"}"# + "\n")
        try checkpoint(3)
        #expect(checkpointsLogged() == 1)
        #expect(daemon.stop() == 0)
        #expect(!daemon.log.contains("stopped"))
        #expect(try FinishedProgram("sluice", ["log-level", "loud"]).status == 64)
    }

    @Test func `the log warns if a model of single timesteps is served in sequence mode`() throws {
        let warned = try DaemonProcess([model2, "--mode", "sequence"])
        let lines = warned.log.split(separator: "\n").filter { $0.contains(" warning ") }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("every timestep is a whole sequence") == true)
        #expect(lines.first?.contains("the mode stateful keeps state between timesteps") == true)

        let days = Fixtures.url("reference/model1.keras").path
        for arguments in [[model2], [days, "--mode", "sequence"], [days, "--mode", "stateful"]] {
            #expect(try !DaemonProcess(arguments).log.contains("whole sequence"), "\(arguments)")
        }
    }

    @Test func `the flag --log-level overrides the level in the file`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("models: {m: {file: \(model2)}}\nlog: {level: critical}", to: "sluice.yaml")
        // At the file's level, the log would not even report that the daemon is ready.
        let daemon = try DaemonProcess(["--config", file, "--log-level", "debug"])
        #expect(daemon.stop() == 0)
        #expect(daemon.log.contains(" debug "))
    }
}

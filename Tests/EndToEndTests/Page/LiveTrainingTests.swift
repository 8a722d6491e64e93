import Foundation
import TestSupport
import Testing

@Suite struct `The live page of a training` {
    /// The data of an event `training`.
    private struct Event: Decodable {
        struct Run: Decodable {
            let name: String
            let epoch, epochs: Int
            let part: Double
            let rate: Double?
            let metrics: [String]
            let series: [String: [Double?]]
            let stride: Int
        }

        struct Table: Decodable {
            let columns: [String]
            let rows: [[String]]
        }

        let time: Double
        let command, title, state: String
        let message: String?
        let runs: [Run]
        let results: Table?
    }

    /// A training with a page, and a reader of its events.
    private struct Training {
        let program: RunningProgram
        let address: String
        let events: EventReader

        init(_ arguments: [String]) throws {
            program = try RunningProgram("sluice", arguments + ["--live", "127.0.0.1:*"])
            let line = try program.waitForLine { $0.contains("the training is shown at http://") }
            address = String(try #require(line.firstMatch(of: #/http:\/\/([^\/]+)\//#)).1)
            events = try EventReader(at: address)
        }

        /// Reads events until the server closes the connection.
        func all() throws -> [Event] {
            var all: [Event] = []
            while let event = events.next() {
                try #require(event.name == "training")
                all.append(try JSONDecoder().decode(Event.self, from: event.data))
            }
            return all
        }
    }

    private static let rows = ["--values", "x0", "--sequence-by", "stream"]
    private static let data = Fixtures.url("reference/training/power_150.csv").path
    private static let model = Fixtures.url("reference/model3.keras").path

    @Test func `fit shows each epoch as in its history, and how the training ended`() throws {
        let folder = try TemporaryFolder()
        let training = try Training(
            [
                "fit", Self.model, Self.data, "-o", folder.path("out.keras"), "--epochs", "40",
                "--validation-split", "0.2", "--history", folder.path("history.json"),
            ] + Self.rows)
        let page = try HTTPReply("GET", "/", at: training.address)
        #expect(page.status == 200 && page.body.contains("training.js"))
        let events = try training.all()
        #expect(training.program.waitForEnd() == 0)

        let last = try #require(events.last)
        #expect(last.command == "fit" && last.state == "finished" && last.message == nil && last.results == nil)
        #expect(last.title.hasPrefix(Self.model) && last.runs.count == 1)
        let run = last.runs[0]
        #expect(run.epoch == 40 && run.epochs == 40 && run.part == 1 && run.stride == 1)
        let data = try Data(contentsOf: folder.url("history.json"))
        let history = try JSONDecoder().decode([String: [Double?]].self, from: data)
        #expect(Set(run.series.keys) == Set(history.keys).subtracting(["epoch"]))
        #expect(run.metrics.prefix(3) == ["loss", "accuracy", "auc"] && Set(run.metrics) == Set(run.series.keys))
        for (name, values) in run.series {
            let exact = try #require(history[name])
            #expect(values.count == 40 && exact.count == 40)
            for (value, exact) in zip(values, exact) {
                #expect(abs((value ?? .nan) - (exact ?? .nan)) <= 1e-5 * abs(exact ?? 0), "\(name)")
            }
        }
        #expect(events.map(\.runs[0].part) == events.map(\.runs[0].part).sorted())
    }

    @Test func `compare shows a curve for each pattern, and at the end the table of the terminal`() throws {
        let training = try Training(
            ["compare", Self.data, "--epochs", "3", "--seeds", "2", "--patterns", "sequence,dense-first"] + Self.rows)
        let events = try training.all()
        #expect(training.program.waitForEnd() == 0)

        let last = try #require(events.last)
        #expect(last.command == "compare" && last.state == "finished")
        #expect(last.runs.map(\.name) == ["sequence", "dense-first"])
        for run in last.runs {
            #expect(run.epochs == 6 && run.epoch == 6 && run.part == 1)
            #expect(run.series.keys.sorted() == ["loss"] && run.series["loss"]?.count == 3)
        }
        let output = training.program.output
        #expect(output.contains(try #require(last.message)))
        let results = try #require(last.results)
        #expect(results.columns.first == "PATTERN" && results.rows.map(\.first) == ["sequence", "dense-first"])
        for cell in results.rows.joined() { #expect(output.contains(cell), "\(cell)") }
    }

    @Test func `--live without an address may stand before the files`() throws {
        let folder = try TemporaryFolder()
        let ended = try FinishedProgram(
            "sluice", ["fit", "--live", Self.model, Self.data, "-o", folder.path("out.keras")] + Self.rows)
        // Another program may use the usual port, so either the page or the complaint names it.
        #expect(ended.status == 0 || ended.status == 75)
        #expect(ended.errorOutput.contains("127.0.0.1:5563"), "\(ended.errorOutput)")
    }

    @Test func `an interrupted training says so on the page, and ends although a page is open`() throws {
        let folder = try TemporaryFolder()
        let training = try Training(
            ["fit", Self.model, Self.data, "-o", folder.path("out.keras"), "--epochs", "1000000"] + Self.rows)
        _ = training.events.next()
        kill(training.program.processIdentifier, SIGINT)
        let last = try #require(try training.all().last)
        #expect(training.program.waitForEnd() == 75)
        #expect(last.state == "stopped" && last.message?.hasPrefix("interrupted after epoch") == true)
        #expect(last.runs[0].series["loss"]?.count ?? 0 <= 1_000)
    }

    @Test func `a page beyond this machine or at a port in use is refused before the training`() throws {
        let folder = try TemporaryFolder()
        let arguments = ["fit", Self.model, Self.data, "-o", folder.path("out.keras")] + Self.rows
        for address in ["0.0.0.0:5563", "off"] {
            let ended = try FinishedProgram("sluice", arguments + ["--live", address])
            #expect(ended.status == 64, "\(ended.errorOutput)")
            #expect(
                ended.errorOutput.contains("--live is only for this machine; give an address such as 127.0.0.1:5563"))
        }
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let ended = try FinishedProgram("sluice", arguments + ["--live", daemon.http])
        #expect(ended.status == 75 && ended.errorOutput.contains("the address is in use; give another one"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.keras")))
    }
}

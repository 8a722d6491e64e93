import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The fit command` {
    private static let cases = [
        try? FitCase("model1"), try? FitCase("model3"), try? FitCase("model4"), try? FitCase("model5"),
        try? FitCase("rnn"), try? FitCase("stacked"), try? FitCase("average"), try? FitCase("maximum"),
        try? FitCase("clipvalue"),
        try? FitCase("gru", ["--validation-split", "0.2"]),
        try? FitCase("masked"), try? FitCase("softmax"), try? FitCase("clipnorm"), try? FitCase("decay"),
        try? FitCase("class_weight", ["--class-weight", "0=1,1=3"]),
        try? FitCase("sample_weight", ["--weight", "weight"]),
        try? FitCase(
            "plateau",
            [
                "--validation-split", "0.2", "--reduce-lr", "val_loss:2:0.5", "--early-stopping", "val_loss:5",
                "--restore-best",
            ]),
        try? FitCase("resume", ["--resume"]),
        try? FitCase("model2", ["--chunk", "1"]), try? FitCase("endless", ["--keep-state"]), try? FitCase("chunks"),
        try? FitCase("streams"), try? FitCase("every"),
    ].compactMap(\.self)

    private let folder = try? TemporaryFolder()

    private func path(_ name: String) throws -> String { try #require(folder).path(name) }

    private func evaluate(_ model: String, _ data: String, _ options: [String]) throws -> [String: Any] {
        let ended = try FinishedProgram("sluice", ["evaluate", model, data, "--json"] + options)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return try #require(try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any])
    }

    @Test func `all cases are found`() { #expect(Self.cases.count == 23) }

    @Test(arguments: cases)
    func `fit gives Keras' numbers after each epoch, and evaluate gives Keras' evaluation of the result`(
        given: FitCase
    ) throws {
        let output = try path("trained.keras")
        let ended = try given.fit(into: output)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        try given.check(ended.output)
        let evaluation = try evaluate(output, given.heldOut, given.fileOptions)
        for (key, expected) in given.evaluation {
            let found = try #require(evaluation[key] as? Double)
            #expect(abs(found - expected) <= given.tolerance(key), "\(given.name): \(key)")
        }
    }

    @Test(arguments: cases.filter { ["model1", "model5", "resume", "chunks", "streams"].contains($0.name) })
    func `fit writes Keras' final weights and states`(given: FitCase) throws {
        let (output, state) = (try path("trained.safetensors"), try path("state.json"))
        let ended = try given.fit(into: output, given.state == nil ? [] : ["--final-state", state])
        #expect(ended.status == 0, "\(ended.errorOutput)")
        let found = try FixtureTensors(URL(filePath: output))
        let expected = try FixtureTensors(Fixtures.url("\(FitCase.folder)/\(given.name).tensors.safetensors"))
        let names = expected.names.filter { $0.hasPrefix("final_float64/") }
        #expect(!names.isEmpty)
        for name in names {
            let values = found.values(String(name.dropFirst("final_float64/".count)))
            #expect(values.count == expected.values(name).count, "\(name)")
            let difference = zip(values, expected.values(name)).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= given.tolerance("final"), "\(given.name): \(name)")
        }
        guard let states = given.state else { return }
        let lines = try String(contentsOfFile: state, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == states.count)
        for (line, expected) in zip(lines, states) {
            let export = try JSONDecoder().decode(StreamExport.self, from: Data(line.utf8))
            let values = try #require(export.decodeState())
            for (a, b) in zip(values, expected) { #expect(abs(Double(a) - b) < 1e-4) }
        }
    }

    @Test func `a seed gives the same bits for any number of threads, and another seed gives other bits`() throws {
        let given = try FitCase("model5")
        let train = { (name: String, options: [String]) throws -> Data in
            let output = try path(name)
            let ended = try FinishedProgram(
                "sluice", ["fit", given.model, given.data, "-o", output, "--epochs", "2"] + given.fileOptions + options)
            #expect(ended.status == 0, "\(ended.errorOutput)")
            return try Data(contentsOf: URL(filePath: output))
        }
        let one = try train("one.safetensors", ["--jobs", "1", "--seed", "3"])
        #expect(try train("two.safetensors", ["--jobs", "2", "--seed", "3"]) == one)
        #expect(try train("other.safetensors", ["--jobs", "2", "--seed", "4"]) != one)
    }

    @Test func `two epochs and two resumed epochs give the same bits as four, even if a seed sets the order`() throws {
        let given = try FitCase("gru")
        let fit = { (model: String, output: String, options: [String]) throws in
            let ended = try FinishedProgram(
                "sluice", ["fit", model, given.data, "-o", output, "--seed", "9"] + given.fileOptions + options)
            #expect(ended.status == 0, "\(ended.errorOutput)")
            return try FitHistory(ended.output)
        }
        let (half, whole) = (try path("half.safetensors"), try path("whole.safetensors"))
        _ = try fit(given.model, whole, ["--epochs", "4"])
        _ = try fit(given.model, half, ["--epochs", "2"])
        let rest = try fit(half, half, ["--epochs", "4", "--resume", "--force"])
        #expect(rest["epoch"] == [3, 4])
        #expect(try Data(contentsOf: URL(filePath: half)) == Data(contentsOf: URL(filePath: whole)))
    }

    @Test func `stateful training gives the same bits in two parts if the state is carried over`() throws {
        let given = try FitCase("endless")
        let rows = try String(contentsOfFile: given.data, encoding: .utf8).split(separator: "\n")
        let header = rows[0]
        let parts = try [rows[1...96], rows[97...]].enumerated().map { index, part in
            try #require(folder).write(([header] + part).joined(separator: "\n") + "\n", to: "part\(index).csv")
        }
        let fit = { (model: String, data: String, name: String, options: [String]) throws -> String in
            let output = try path(name)
            let ended = try FinishedProgram(
                "sluice", ["fit", model, data, "-o", output, "--keep-state"] + given.fileOptions + options)
            #expect(ended.status == 0, "\(ended.errorOutput)")
            return output
        }
        let state = try path("state.json")
        let whole = try fit(given.model, given.data, "whole.safetensors", [])
        let first = try fit(given.model, parts[0], "first.safetensors", ["--final-state", state])
        let export = try JSONDecoder().decode(StreamExport.self, from: Data(contentsOf: URL(filePath: state)))
        #expect(export.sequence == 96 && export.step == 96)
        let both = try fit(
            first, parts[1], "both.safetensors", ["--initial-state", state, "--resume", "--initial-epoch", "0"])
        #expect(try Data(contentsOf: URL(filePath: both)) == Data(contentsOf: URL(filePath: whole)))
    }

    @Test func `rows without a label change the state but do not train the weights`() throws {
        let given = try FitCase("last", ["--chunk", "1"])
        let data = try #require(folder).write(try given.dataWithLastLabels, to: "data.csv")
        let ended = try FinishedProgram(
            "sluice",
            ["fit", given.model, data, "-o", try path("out.keras"), "--epochs", "20"] + given.fileOptions
                + given.options)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        try given.check(ended.output)
    }

    @Test(arguments: [80, 12])
    func `a terminal shows a line for each epoch, and the curve of the validation's loss if there is room`(
        columns: Int
    ) throws {
        let given = try FitCase("gru", ["--validation-split", "0.2", "--epochs", "3"])
        let words =
            [RunningProgram.folder.appending(path: "sluice").path, "fit", given.model, given.data, "-o"]
            + [try path("out.keras")] + given.fileOptions + given.options
        let command = "stty cols \(columns) rows 24; exec " + words.map { "'\($0)'" }.joined(separator: " ")
        let ended = try FinishedProgram("/usr/bin/script", ["-qec", command, "/dev/null"])
        #expect(ended.status == 0, "\(ended.output)")
        let output = ended.output.replacing("\u{1B}[K", with: "")
        let lines = output.split(whereSeparator: \.isNewline)
        let titles = ["EPOCH", "SAMPLES/S", "LOSS", "ACCURACY", "VAL", "LOSS", "VAL", "ACCURACY"]
        #expect(lines.first { $0.contains("EPOCH") }?.split(separator: " ").map(String.init) == titles)
        for epoch in 1...3 {
            let line = try #require(lines.last { $0.contains("\(epoch)/3  ████████████") })
            #expect(line.split(separator: " ").count == 7, "\(line)")
        }
        #expect(output.contains("val_loss │") == (columns == 80), "\(output)")
        #expect(lines.contains { $0.contains("epoch 1  ") && $0.hasSuffix(" 3") } == (columns == 80))
        #expect(lines.last?.contains("3 epochs of 120 sequences in ") == true)
    }

    @Test func `each window of a sequence is trained on with the label of its last row`() throws {
        let given = try FitCase("model3")
        let ended = try FinishedProgram(
            "sluice",
            ["fit", given.model, FitCase.path("power_20.csv"), "-o", try path("out.keras"), "--mode", "window:12:6"]
                + given.fileOptions)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains("of 60 sequences in"), "\(ended.errorOutput)")
    }

    @Test func `the history, the best model and standard output agree`() throws {
        let given = try FitCase("gru", ["--validation-split", "0.2"])
        let (csv, best) = (try path("history.csv"), try path("best.keras"))
        let ended = try given.fit(
            into: path("out.keras"), epochs: 6, ["--history", csv, "--checkpoint", best, "--file-mode", "644"])
        #expect(ended.status == 0, "\(ended.errorOutput)")
        #expect(try String(contentsOfFile: csv, encoding: .utf8) == ended.output)
        #expect(ended.errorOutput.contains("wrote "))
        let losses = try #require(try FitHistory(ended.output)["val_loss"])
        #expect(losses.count == 6)
        #expect(FileManager.default.fileExists(atPath: best))
        let json = try path("history.json")
        let quiet = try given.fit(into: path("quiet.keras"), epochs: 2, ["--history", json, "--quiet"])
        #expect(quiet.output.isEmpty && quiet.errorOutput.isEmpty)
        let series = try JSONDecoder().decode(
            [String: [Double]].self, from: Data(contentsOf: URL(filePath: json)))
        #expect(series["val_loss"] == Array(losses.prefix(2)))
        #expect(series["epoch"] == [1, 2])
    }
}

import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The predict command` {
    static let answers = [
        ("reference/model1", "reference/model1.csv"), ("reference/model2", "reference/model2.csv"),
        ("reference/model3", "keras/model3_answers.csv"), ("reference/model4", "reference/model4.csv"),
    ]

    /// Runs `sluice predict` until it ends.
    private func predict(_ model: String, _ arguments: String..., input: String = "") throws -> FinishedProgram {
        try FinishedProgram("sluice", ["predict", path(model)] + arguments, input: input)
    }

    private func path(_ fixture: String) -> String { Fixtures.url(fixture).path }

    /// Returns the fields of each row of CSV text, without the header.
    private func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").dropFirst().map { $0.components(separatedBy: ",") }
    }

    @Test(arguments: answers, [".keras", ".h5"])
    func `predict gives Keras' answer after each timestep, and the last answer to each sequence`(
        files: (model: String, csv: String), format: String
    ) throws {
        let every = try predict(files.model + format, "--input", path(files.csv), "--every")
        let last = try predict(files.model + format, "--input", path(files.csv))

        #expect(every.status == 0, "\(every.errorOutput)")
        #expect(every.output.hasPrefix("stream,step,probability,label\n"))
        var given = rows(every.output)[...]
        var lastOnes: [[String]] = []
        for sequence in try KerasAnswers(files.csv).streams {
            for (index, answer) in sequence.answers.enumerated() {
                let row = try #require(given.first)
                given = given.dropFirst()
                let probability = try #require(Float(row[2]))
                #expect(row[0] == sequence.name && row[1] == "\(index + 1)")
                #expect(abs(probability - answer) <= tolerance)
                #expect(row[3] == (probability >= 0.5 ? "1" : "0"))
                if index == sequence.answers.count - 1 { lastOnes.append(row) }
            }
        }
        #expect(given.isEmpty)
        #expect(last.status == 0, "\(last.errorOutput)")
        #expect(rows(last.output) == lastOnes, "the same digits")
    }

    @Test(arguments: [
        ("model2", "power_test.csv", []), ("model3", "power_test.csv", []),
        ("model4", "splice_test.csv", ["--alphabet", "ACGT"]), ("model5", "splice_test.csv", ["--alphabet", "ACGT"]),
    ])
    func `predict gives the loss and accuracy of Keras' evaluate, to four digits`(
        model: String, csv: String, options: [String]
    ) throws {
        let text = try Data(contentsOf: Fixtures.url("reference/accuracy.json"))
        let expected = try #require(try JSONDecoder().decode([String: [String: Double]].self, from: text)[model])
        let data = ["--input", path("reference/\(csv)")] + options
        let command = ["predict", path("reference/\(model).keras")] + data
        let summary = try FinishedProgram("sluice", command + ["--summary", "--output-format", "json"])
        let answers = try FinishedProgram("sluice", command)

        #expect(summary.status == 0, "\(summary.errorOutput)")
        let given = try #require(try JSONSerialization.jsonObject(with: Data(summary.output.utf8)) as? [String: Any])
        for (name, key) in [("loss", "test_loss"), ("accuracy", "test_accuracy")] {
            let value = try #require(given[name] as? Double)
            let digits = String(format: "%.4f", try #require(expected[key]))
            #expect(String(format: "%.4f", value) == digits)
            #expect(answers.errorOutput.contains("\(name) \(digits)"))
        }
        #expect(given["labelled"] as? Int == given["sequences"] as? Int)
        #expect(rows(answers.output).count == given["sequences"] as? Int)
    }

    @Test(arguments: [".keras", ".h5"])
    func `predict gives Keras' answer to a whole sequence for a bidirectional model`(format: String) throws {
        let last = try predict("reference/model5" + format, "--input", path("reference/model5.csv"))
        let expected = try Fixtures.rows("reference/model5.csv").filter { $0["probability"] != "" }

        #expect(last.status == 0, "\(last.errorOutput)")
        let given = rows(last.output)
        #expect(given.count == 20)
        #expect(given.map { $0[0] } == expected.map { $0["stream"] })
        for (row, answer) in zip(given, expected) {
            let keras = try #require(answer["probability"].flatMap(Float.init))
            #expect(row[1] == "20")
            #expect(abs(try #require(Float(row[2])) - keras) <= tolerance)
        }
    }

    @Test func `predict reports that labels without a loss are unused, and still answers`() throws {
        let input = "stream,x0,label\ns,1,2.5\n"
        let answered = try predict("keras/smallest.keras", input: input)
        #expect(answered.status == 0, "\(answered.errorOutput)")
        #expect(rows(answered.output).count == 1)
        #expect(answered.errorOutput.contains("no loss"))
    }

    @Test func `predict accepts tokens as numbers or letters, and gives each of several outputs`() throws {
        let expected = try Fixtures.rows("keras/tokens.csv")
        let numbers = try predict(
            "keras/tokens.keras", "--input", path("keras/tokens.csv"), "--stream", "s", "--values", "x0", "--every")
        #expect(numbers.status == 0, "\(numbers.errorOutput)")
        #expect(numbers.output.hasPrefix("stream,step,probability0,probability1,probability2,label\n"))
        for (row, answer) in zip(rows(numbers.output), expected) {
            let given = try row[2...4].map { try #require(Float($0)) }
            let keras = try ["y0", "y1", "y2"].map { try #require(answer[$0].flatMap(Float.init)) }
            for (one, other) in zip(given, keras) { #expect(abs(one - other) <= tolerance) }
            let largest = try #require(given.max())
            #expect(row[5] == "\(given.firstIndex(of: largest) ?? -1)")
        }
        let letters = Array("abcdefg")
        let word = try String(expected.map { letters[try #require($0["x0"].flatMap(Int.init))] })
        let written = try predict(
            "keras/tokens.keras", "--alphabet", "abcdefg", "--first-token", "0", "--every",
            input: "sequence,stream\n\(word),s\n")
        #expect(written.output == numbers.output)
    }

    @Test func `predict writes the same bytes with any number of threads`() throws {
        let arguments = ["--input", path("reference/splice_test.csv"), "--alphabet", "ACGT", "--quiet"]
        let command = ["predict", path("reference/model4.keras")] + arguments
        let summaries = try ["1", "2"].map { jobs in
            let every = try FinishedProgram("sluice", command + ["--every", "--jobs", jobs])
            let summary = try FinishedProgram("sluice", command + ["--summary", "--jobs", jobs])
            #expect(every.status == 0 && every.errorOutput.isEmpty)
            #expect(every.output.split(separator: "\n").count == 1 + 786 * 20)
            return every.output + summary.output
        }
        #expect(Set(summaries).count == 1)
    }

    @Test func `predict gathers sequences whose rows are mixed, in the order of their first rows`() throws {
        let rows = try Fixtures.rows("reference/model2.csv")
        let header = "stream,step,x0\n"
        let mixed = (1...24).flatMap { step in rows.filter { $0["step"] == "\(step)" } }
        let inputs = try [rows, mixed].map { rows in
            header
                + (try rows.map { row in
                    try ["stream", "step", "x0"].map { try #require(row[$0]) }.joined(separator: ",") + "\n"
                }).joined()
        }
        let outputs = try inputs.map { try predict("reference/model2.keras", "--every", input: $0).output }
        #expect(inputs[0] != inputs[1])
        #expect(outputs[0].split(separator: "\n").count == 1 + 20 * 24)
        #expect(outputs[0] == outputs[1])
    }

    @Test func `predict reads and writes JSON lines, where flags mark the start and end of a sequence`() throws {
        let lines = """
            {"stream":"a","values":[[0.5],[-0.25]],"start":true,"label":1}
            {"stream":"b","values":[2]}
            {"stream":"a","values":[1],"end":true}
            {"stream":"a","values":[0.5]}
            """
        let csv = "stream,x\n1,0.5\n1,-0.25\n1,1\n2,2\n3,0.5\n"
        let json = try predict("reference/model2.keras", "--output-format", "json", input: lines)
        let same = rows(try predict("reference/model2.keras", input: csv).output)

        #expect(json.status == 0, "\(json.errorOutput)")
        let objects = try json.output.split(separator: "\n").map {
            try JSONDecoder().decode([String: JSONValue].self, from: Data($0.utf8))
        }
        #expect(objects.map { $0["stream"] } == [.string("a"), .string("b"), .string("a")])
        for (object, row) in zip(objects, same) {
            #expect(object["step"] == .integer(try #require(Int64(row[1]))))
            #expect(object["probability"] == .number(try #require(Double(row[2]))))
            #expect(object["label"] == .integer(try #require(Int64(row[3]))))
        }
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var model = "reference/model2.keras"
        var arguments: [String] = []
        var input = "stream,x0\na,0.5\n"
        let status: Int32
        let words: [String]
        var testDescription: String { words.joined(separator: " ") }
    }

    static let refusals = [
        Refusal(input: "stream,x0\na,0.5\na,nan\n", status: 65, words: ["standard input:3", "'nan'", "'x0'"]),
        Refusal(input: "stream,x0,x1\na,0.5,1\n", status: 65, words: [":2", "2 values", "takes 1"]),
        Refusal(input: "stream,x0\na,0.5,1\n", status: 65, words: [":2", "3 fields"]),
        Refusal(input: "stream,x0,label\na,0.5,2\n", status: 65, words: [":2", "label 2", "0 to 1"]),
        Refusal(input: "x0\n0.5\n", status: 64, words: ["--stream-column"]),
        Refusal(arguments: ["--label", "class"], status: 65, words: ["no column 'class'"]),
        Refusal(arguments: ["--summary"], status: 65, words: ["no sequence has a label"]),
        Refusal(arguments: ["--alphabet", "ACGT"], status: 64, words: ["--alphabet", "takes values"]),
        Refusal(arguments: ["--jobs", "0"], status: 64, words: ["--jobs"]),
        Refusal(arguments: ["--input", "nowhere.csv"], status: 66, words: ["nowhere.csv"]),
        Refusal(
            model: "reference/model4.keras", input: "stream,x0\na,4\na,5\n", status: 65,
            words: [":3", "5.0 is not a token", "0 to 4"]),
        Refusal(
            model: "reference/model4.keras", arguments: ["--alphabet", "ACGT"], input: "sequence\nACGT\nACNT\n",
            status: 65, words: [":3", "'N'", "letter 3", "ACGT"]),
        Refusal(
            model: "reference/model4.keras", arguments: ["--alphabet", "ACGTN"], status: 64,
            words: ["1 to 5", "0 to 4"]),
        Refusal(
            model: "reference/model3.keras", input: "stream,x0\n" + String(repeating: "a,0.5\n", count: 25), status: 65,
            words: [":26", "24 timesteps"]),
        Refusal(
            input: #"{"stream":"a","values":[1],"sequence":1}"# + "\n" + #"{"stream":"a","values":[1],"sequence":3}"#,
            status: 65, words: [":2", "timestep 3", "2 comes next"]),
        Refusal(
            model: "keras/no_bias.keras", arguments: ["--summary", "--values", "a,b,c"],
            input: "stream,a,b,c\ns,1,2,3\n",
            status: 64, words: ["neither", "--summary"]),
        Refusal(
            model: "reference/model5.keras", arguments: ["--every"], input: "stream,x0\na,4\n", status: 64,
            words: ["whole sequence", "--every"]),
        Refusal(model: "reference/nowhere.keras", status: 66, words: ["nowhere.keras"]),
        Refusal(model: "reference/README.md", status: 65, words: ["README.md", "supported"]),
    ]

    @Test(arguments: refusals)
    func `after an error, predict gives no answers and explains the error in one line`(refusal: Refusal) throws {
        let ended = try FinishedProgram(
            "sluice", ["predict", path(refusal.model)] + refusal.arguments, input: refusal.input)
        #expect(ended.status == refusal.status)
        #expect(ended.output.isEmpty)
        let complaint = try #require(ended.errorOutput.split(separator: "\n").first)
        for word in refusal.words { #expect(complaint.contains(word)) }
    }

    @Test func `predict ends silently if its reader stops reading`() throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        let program = RunningProgram.folder.appending(path: "sluice").path
        let command =
            "'\(program)' predict '\(path("reference/model4.keras"))' --input "
            + "'\(path("reference/splice_test.csv"))' --alphabet ACGT --every"
        process.arguments = ["-c", "set -o pipefail; { \(command); echo $? >\(folder.path("status")); } | head -1"]
        let errors = folder.url("err")
        try Data().write(to: errors)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.runOwningFiles()
        process.waitUntilExit()
        #expect(try String(contentsOf: folder.url("status"), encoding: .utf8) == "0\n")
        #expect(try String(contentsOf: errors, encoding: .utf8).isEmpty)
    }
}

import Foundation
import TestSupport
import Testing

@Suite struct `The compare command` {
    private static let days = Fixtures.url("reference/training/power_150.csv").path
    private static let splice = Fixtures.url("reference/training/splice_300.csv").path
    private static let small = ["--epochs", "2", "--seeds", "2"]

    private struct Report: Decodable {
        struct Figures: Decodable, Equatable {
            let values: [Double]
            let mean, deviation: Double
        }

        struct Pattern: Decodable {
            let pattern, model, decides_while_running: String
            let loss, accuracy: Figures
            let parameters, state_bytes: Int
            let timesteps_to_final_accuracy: Int?
            let accuracy_after_timesteps: [Double]?
            let training_seconds, timestep_ns: Double
        }

        let patterns: [Pattern]
        let take, reason: String
        let training_sequences, held_out_sequences: Int
    }

    private func report(_ arguments: [String]) throws -> Report {
        let ended = try FinishedProgram("sluice", ["compare", "--json"] + Self.small + arguments)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
    }

    @Test func `the three patterns that take numbers are compared on numbers`() throws {
        let report = try report([Self.days])
        #expect(report.training_sequences == 120)
        #expect(report.held_out_sequences == 30)
        #expect(report.patterns.map(\.pattern) == ["sequence", "stateful", "dense-first"])
        #expect(report.patterns.map(\.parameters) == [491, 491, 1459])
        #expect(report.patterns.map(\.decides_while_running) == ["--mode stateful", "yes", "--mode stateful"])
        // The daemon keeps h and c of the LSTM's 10 units, and the last probability.
        #expect(report.patterns.map(\.state_bytes) == [84, 84, 84])
        for pattern in report.patterns {
            let curve = try #require(pattern.accuracy_after_timesteps)
            #expect(curve.count == 24)
            #expect(abs(try #require(curve.last) - pattern.accuracy.mean) < 1e-12)
            #expect((1...24).contains(try #require(pattern.timesteps_to_final_accuracy)))
            #expect(pattern.timestep_ns > 0 && pattern.training_seconds > 0)
            #expect(pattern.accuracy.values.count == 2)
        }
        #expect(report.reason.hasPrefix("take \(report.take): "))
    }

    @Test func `the two patterns that take tokens are compared on tokens`() throws {
        let report = try report([Self.splice, "--alphabet", "ACGT"])
        #expect(report.patterns.map(\.model) == ["model4", "model5"])
        #expect(report.patterns.map(\.parameters) == [6211, 11_781])
        #expect(report.patterns.map(\.decides_while_running) == ["--mode stateful", "no"])
        #expect(report.patterns[1].accuracy_after_timesteps == nil)
        // The daemon keeps 20 tokens and the last probability.
        #expect(report.patterns[1].state_bytes == 84)
    }

    @Test func `any number of threads gives the same figures, and another seed gives others`() throws {
        let reports = try [["--jobs", "1"], ["--jobs", "3"], ["--seed", "1"]].map {
            try report([Self.days, "--patterns", "model2,dense-first", "--chunk", "6"] + $0)
        }
        #expect(reports[0].patterns.map(\.loss) == reports[1].patterns.map(\.loss))
        #expect(reports[0].patterns.map(\.accuracy) == reports[1].patterns.map(\.accuracy))
        #expect(reports[0].patterns.map(\.loss) != reports[2].patterns.map(\.loss))
    }

    @Test func `the best model of each pattern is kept, and decides as the table says`() throws {
        let folder = try TemporaryFolder()
        let lengths = Fixtures.url("reference/training/splice_lengths.csv").path
        let command =
            ["compare", lengths, "--alphabet", "ACGT", "--units", "4", "-o", folder.path("models")] + Self.small
        #expect(try FinishedProgram("sluice", command).status == 0)
        for name in ["tokens", "tokens-both-ways"] {
            let model = folder.path("models/\(name).keras")
            let ended = try FinishedProgram("sluice", ["evaluate", model, lengths, "--alphabet", "ACGT"])
            #expect(ended.status == 0, "\(ended.errorOutput)")
        }
        let again = try FinishedProgram("sluice", command)
        #expect(again.status == 73)
        #expect(again.errorOutput.contains("tokens.keras: exists already; give --force to replace it"))
    }

    @Test func `the table ends with one sentence that names a pattern`() throws {
        let ended = try FinishedProgram("sluice", ["compare", Self.days, "--patterns", "model1"] + Self.small)
        let lines = ended.output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("PATTERN") == true)
        #expect(lines.last?.hasPrefix("take sequence: ") == true)
        #expect(ended.output.contains("120 sequences trained each pattern for 2 epochs, and 30 others judged it"))
        #expect(ended.errorOutput == "")
    }

    @Test(arguments: [
        ("stream,x0,label\na,1,1\na,2,1\n", "the file is one sequence with one label"),
        ("stream,x0,label\na,1,1\nb,2,1\nc,3,1\n", "every label is 1"),
        ("stream,x0\na,1\nb,2\n", "no sequence has a label"),
        ("stream,x0,label\na,1,1\nb,2,0\nc,3,0\n", "leaves none to judge the models"),
        ("stream,x0,label\na,1,1\nb,2,2\n", "the label 2.0 is not a class"),
        ("stream,x0,label\n", "the file has no sequence"),
    ])
    func `data that cannot be compared is refused with the reason`(text: String, words: String) throws {
        let ended = try FinishedProgram("sluice", ["compare"], input: text)
        #expect(ended.status == 65)
        #expect(ended.output == "")
        #expect(ended.errorOutput.contains(words), "\(ended.errorOutput)")
    }

    @Test(arguments: [
        (["--held-out", "1"], "--held-out must be above 0 and below 1"), (["--seeds", "0"], "--seeds must be 1"),
        (["--patterns", "tokens"], "tokens takes tokens"), (["--patterns", "modle1"], "did you mean 'model1'?"),
        (["--vocabulary", "3", "--features", "2"], "--features is for numbers"),
    ])
    func `an invalid option is refused with a remedy`(arguments: [String], words: String) throws {
        let ended = try FinishedProgram("sluice", ["compare", Self.days] + arguments)
        #expect(ended.status == 64)
        #expect(ended.errorOutput.contains(words), "\(ended.errorOutput)")
    }

    @Test func `an interruption ends with exit status 75 and reports the completed training runs`() throws {
        var text = try String(contentsOfFile: Self.days, encoding: .utf8)
        text += "\nlate,1,0.5,\n"
        let program = try RunningProgram("sluice", ["compare", "--epochs", "1", "--seeds", "1000"], input: text)
        _ = try program.waitForLine { $0.contains("1 sequence without a label left out") }
        kill(program.processIdentifier, SIGINT)
        #expect(program.waitForEnd() == 75)
        #expect(program.errorOutput.contains("interrupted "), "\(program.errorOutput)")
        #expect(program.output.isEmpty == program.errorOutput.contains("before the first training"))
    }
}

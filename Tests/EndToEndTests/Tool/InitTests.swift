import Foundation
import TestSupport
import Testing

@Suite struct `The init command` {
    private static let power = Fixtures.url("reference/power_test.csv").path
    private static let splice = Fixtures.url("reference/splice_test.csv").path

    @Test(arguments: [
        (["model1", "--units", "4"], []), (["stateful", "--layers", "gru"], []), (["model3", "--length", "24"], []),
        (["tokens", "--vocabulary", "5"], ["--alphabet", "ACGT"]),
        (["model5", "--vocabulary", "5", "--units", "3,2"], ["--alphabet", "ACGT"]),
    ])
    func `inspect and evaluate read a new model in both formats`(options: [String], data: [String]) throws {
        let folder = try TemporaryFolder()
        var results: [String] = []
        for ending in ["keras", "safetensors"] {
            let model = folder.path("new.\(ending)")
            let made = try FinishedProgram("sluice", ["init"] + options + ["-o", model, "--seed", "5"])
            #expect(made.status == 0, "\(made.errorOutput)")
            #expect(made.output.hasPrefix("wrote \(model), "))
            let inspected = try FinishedProgram("sluice", ["inspect", model])
            #expect(inspected.output.contains("Loss         binary_crossentropy"), "\(inspected.output)")
            let file = data.isEmpty ? Self.power : Self.splice
            results.append(try FinishedProgram("sluice", ["evaluate", model, file, "--json"] + data).output)
        }
        let text = try #require(results.first)
        #expect(results.last == text)
        let numbers = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        // An untrained model only guesses, so its loss is near ln 2, which is 0.69.
        #expect(try (0.5...1.2).contains(#require(numbers["loss"] as? Double)))
    }

    @Test func `a model from a file of layers answers sequences`() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write(
            "- Input: {shape: [null, 1]}\n- LSTM: {units: 5}\n- Dense: {units: 1, activation: sigmoid}\n",
            to: "layers.yaml")
        let model = folder.path("new.keras")
        let made = try FinishedProgram("sluice", ["init", "--layers-file", layers, "--output", model])
        #expect(made.status == 0, "\(made.errorOutput)")
        let answers = try FinishedProgram("sluice", ["predict", model, Self.power, "--quiet"])
        #expect(answers.status == 0 && answers.output.split(separator: "\n").count == 530)
    }

    @Test(arguments: [
        (["model6"], 64, "there is no pattern 'model6'; did you mean 'model"),
        (["tokens"], 64, "needs --vocabulary"), (["model1", "--vocabulary", "5"], 64, "takes --features"),
        (["model1", "--units", "8,0"], 64, "--units must be"), ([], 64, "give a pattern or --layers-file"),
        (["--layers-file", "x.yaml", "--units", "3"], 64, "states the sizes"),
        (["--layers-file", "/nowhere/x.yaml"], 66, "/nowhere/x.yaml: no such file or folder"),
    ])
    func `invalid options are refused with a clear line`(options: [String], status: Int32, message: String) throws {
        let folder = try TemporaryFolder()
        let ended = try FinishedProgram("sluice", ["init"] + options + ["-o", folder.path("new.keras")])
        #expect(ended.status == status)
        #expect(ended.errorOutput.contains(message), "\(ended.errorOutput)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `an existing file is replaced only with --force`() throws {
        let folder = try TemporaryFolder()
        let mine = try folder.write("mine", to: "new.keras")
        let refused = try FinishedProgram("sluice", ["init", "model1", "-o", mine])
        #expect(refused.status == 73)
        #expect(refused.errorOutput == "sluice: \(mine): exists already; give --force to replace it\n")
        #expect(try String(contentsOfFile: mine, encoding: .utf8) == "mine")
        let forced = try FinishedProgram("sluice", ["init", "model1", "-o", mine, "--force"])
        #expect(forced.status == 0)
        #expect(try FinishedProgram("sluice", ["inspect", mine]).status == 0)
    }

    @Test(arguments: ["keras", "safetensors"])
    func `a file that does not fit on the disk leaves nothing behind`(ending: String) throws {
        let folder = try TemporaryFolder()
        let program = try RunningProgram(
            "sluice", ["init", "model5", "--vocabulary", "5", "-o", folder.path("new.\(ending)")], fileSizeLimit: 16)
        #expect(program.waitForEnd() == 73)
        #expect(program.errorOutput.contains("File too large"), "\(program.errorOutput)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}

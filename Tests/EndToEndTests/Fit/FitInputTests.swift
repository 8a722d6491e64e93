import Foundation
import TestSupport
import Testing

/// Tests the inputs that `sluice fit` refuses, and the outputs that remain if training ends early.
@Suite struct `Training that is refused or interrupted` {
    private static let model = FitCase.path("model3.initial.keras")
    private static let stateful = FitCase.path("chunks.initial.keras")
    private static let power = FitCase.path("power_150.csv")
    private static let data = ["--values", "x0", "--sequence-by", "stream"]

    private let folder = try? TemporaryFolder()

    private func path(_ name: String) throws -> String { try #require(folder).path(name) }

    private func write(_ text: String, to name: String) throws -> String {
        try #require(folder).write(text, to: name)
    }

    /// Returns the names of the files in the test's folder.
    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: try #require(folder).path).sorted()
    }

    /// Returns CSV text with a sequence of two timesteps for each label.
    private func csv(_ labels: [String]) -> String {
        "stream,x0,label\n"
            + labels.enumerated().map { "s\($0),0.5,\($1)\ns\($0),\($0),\($1)\n" }.joined()
    }

    private static let mistakes: [([String], [String], Int32, String)] = [
        (["0", "2"], [], 65, "data.csv:4: the label 2.0 is not a class of the model, which has 0 to 1"),
        (["0", "0.5"], [], 65, "the label 0.5 is not a class"),
        (["0", "1"], ["--label", "truth"], 65, "there is no column 'truth'; there are stream, x0, label"),
        (["0", "1"], ["--weight", "w"], 65, "there is no column 'w'"),
        (["", ""], [], 65, "no sequence has a label in its last row; give --label COLUMN or --labels FILE"),
        (["1", "1"], [], 65, "every label is 1"), (["1"], [], 65, "one sequence with one label"),
        (["0", "0", "1"], ["--validation-split", "0.3"], 65, "every label is 0"),
        (["0"], ["--validation-split", "0.5"], 65, "leaves none with a label for training"),
        (["0", "1"], ["--chunk", "1"], 64, "--chunk is only for stateful models"),
        (["0", "1"], ["--early-stopping", "val_loss:3"], 64, "needs --validation-split or --validation-input"),
        (["0", "1"], ["--early-stopping", "loss"], 64, "early stopping must be METRIC:PATIENCE"),
        (["0", "1"], ["--class-weight", "2=1"], 64, "the model has the classes 0 to 1, not 2"),
        (["0", "1"], ["--loss", "sparse_categorical_crossentropy"], 64, "does not train 1 output"),
        (["0", "1"], ["--clipnorm", "1", "--clipvalue", "1"], 64, "give only one of --clipnorm"),
        (["0", "1"], ["--resume"], 65, "the file has no state of an optimizer"),
        (["0", "1"], ["--alphabet", "ACGT"], 64, "--alphabet is only for models that take tokens"),
        (["0", "1"], ["--history", "h.txt"], 64, "--history must end in .csv or .json"),
    ]

    @Test(arguments: mistakes)
    func `fit refuses invalid data and options in one line, and writes nothing`(
        labels: [String], options: [String], status: Int32, words: String
    ) throws {
        let data = try write(csv(labels), to: "data.csv")
        let ended = try FinishedProgram(
            "sluice", ["fit", Self.model, data, "-o", path("out.keras"), "--values", "x0"] + options)
        #expect(ended.status == status, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains(words), "\(ended.errorOutput)")
        #expect(ended.output.isEmpty)
        #expect(try files() == ["data.csv"])
    }

    @Test func `fit refuses outputs without the ending of a model file`() throws {
        for option in [["-o", "out.h5"], ["-o", "out.keras", "--checkpoint", "best"]] {
            let ended = try FinishedProgram("sluice", ["fit", Self.model, Self.power] + Self.data + option)
            #expect(ended.status == 64 && ended.errorOutput.contains("does not end in .keras"), "\(ended.errorOutput)")
        }
    }

    @Test func `a skipped row with a negative weight does not affect the training`() throws {
        let good = "a,0.1,0,1\nb,0.7,1,2\nc,0.2,0,1\n"
        let results = try [good, "a,0.1,0,1\nb,0.7,1,2\nd,0.9,1,-1\nc,0.2,0,1\n"].map { rows in
            let data = try write("stream,x0,label,w\n" + rows, to: "data.csv")
            let command = ["fit", Self.model, data, "--values", "x0", "--weight", "w", "--on-bad-row", "skip"]
            let ended = try FinishedProgram("sluice", command + ["--force", "-o", path("out.safetensors")])
            #expect(ended.status == 0, "\(ended.errorOutput)")
            return ended.output
        }
        #expect(results[0] == results[1])
    }

    @Test func `fit refuses to write a final state that a validation has changed`() throws {
        let ended = try FinishedProgram(
            "sluice",
            ["fit", Self.stateful, Self.power, "-o", path("out.keras"), "--final-state", path("state.json")]
                + ["--validation-split", "0.2"] + Self.data)
        #expect(ended.status == 64)
        #expect(ended.errorOutput.contains("--final-state does not go with a validation"), "\(ended.errorOutput)")
        #expect(try files().isEmpty)
    }

    @Test func `a stream with only one class trains a stateful model, and fit says so`() throws {
        let data = try write(csv(["1", "1"]), to: "data.csv")
        let ended = try FinishedProgram(
            "sluice", ["fit", Self.stateful, data, "-o", path("out.keras"), "--stream", "m", "--values", "x0"])
        #expect(ended.status == 0, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains("data.csv: every label is 1, so the model learns one class"))
        #expect(ended.errorOutput.contains("of 1 sequence in"), "\(ended.errorOutput)")
    }

    @Test func `fit refuses existing outputs before it trains, and replaces them with --force`() throws {
        let output = try write("precious", to: "out.keras")
        let command = ["fit", Self.model, Self.power, "-o", output] + Self.data
        let refused = try FinishedProgram("sluice", command)
        #expect(refused.status == 73)
        #expect(refused.errorOutput.contains("exists already; give --force"), "\(refused.errorOutput)")
        #expect(refused.output.isEmpty)
        #expect(try String(contentsOfFile: output, encoding: .utf8) == "precious")
        let same = try FinishedProgram("sluice", command + ["--force", "--checkpoint", output])
        #expect(same.status == 64 && same.errorOutput.contains("two outputs have the same name"))
        #expect(try FinishedProgram("sluice", command + ["--force"]).status == 0)
        let elsewhere = try FinishedProgram(
            "sluice", ["fit", Self.model, Self.power, "-o", path("no/out.keras")] + Self.data)
        #expect(elsewhere.status == 73 && elsewhere.output.isEmpty, "\(elsewhere.errorOutput)")
    }

    @Test func `fit names a layer through which it cannot train the others`() throws {
        let model = Fixtures.url("keras/sequences/convolution_valid.keras").path()
        let data = Fixtures.url("keras/evaluated/logit.csv").path()
        let refused = try FinishedProgram(
            "sluice",
            ["fit", model, data, "-o", path("out.keras"), "--sequence-by", "stream", "--label", "label"])
        #expect(refused.status == 65)
        #expect(
            refused.errorOutput.contains("does not train models with the layer 'conv1d' (Conv1D); train it in Keras"),
            "\(refused.errorOutput)")
        #expect(try files() == [])
    }

    @Test func `fit names a layer that it cannot train, and can keep the layer's weights`() throws {
        let layers = try write(
            """
            - Input: {shape: [null, 1]}
            - LSTM: {units: 3}
            - BatchNormalization
            - Dense: {units: 1, activation: sigmoid}
            """, to: "layers.yaml")
        let model = try path("model.keras")
        let made = try FinishedProgram("sluice", ["init", "--layers-file", layers, "-o", model])
        #expect(made.status == 0, "\(made.errorOutput)")
        let command = try ["fit", model, Self.power, "-o", path("out.keras")] + Self.data
        let refused = try FinishedProgram("sluice", command)
        #expect(refused.status == 65)
        #expect(
            refused.errorOutput.contains("(BatchNormalization); give --freeze-unsupported"), "\(refused.errorOutput)")
        #expect(try files() == ["layers.yaml", "model.keras"])
        let frozen = try FinishedProgram("sluice", command + ["--freeze-unsupported"])
        #expect(frozen.status == 0, "\(frozen.errorOutput)")
    }

    @Test(arguments: [
        ("kernel_regularizer", #"{"class_name": "L2", "config": {"l2": 0.01}}"#),
        ("activity_regularizer", #"{"class_name": "L2", "config": {"l2": 0.01}}"#),
        ("recurrent_constraint", #"{"class_name": "NonNeg", "config": {}}"#),
    ])
    func `fit refuses regularizers and constraints by the names of the layer and of the option`(
        option: String, value: String
    ) throws {
        var file = try PatchedFile("\(FitCase.folder)/model3.initial.keras")
        let options = [
            "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
            "kernel_constraint", "recurrent_constraint", "bias_constraint",
        ]
        let all = options.map { "\"\($0)\": null" }.joined(separator: ", ")
        file.changeEntry("config.json") { entry in
            // The replacement can omit the other options, because a missing option has its default.
            #expect(entry.replace(all, with: "\"\(option)\": \(value)") == 1)
        }
        let model = try path("model.keras")
        try Data(file.bytes).write(to: URL(filePath: model))
        let command = try ["fit", model, Self.power, "-o", path("out.keras")] + Self.data
        let refused = try FinishedProgram("sluice", command)
        #expect(refused.status == 65)
        #expect(
            refused.errorOutput.contains("does not train layer 'lstm' (LSTM) with \(option)"),
            "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains("give --freeze-unsupported"))
        #expect(try files() == ["model.keras"])
        let frozen = try FinishedProgram("sluice", command + ["--freeze-unsupported"])
        #expect(frozen.status == 0, "\(frozen.errorOutput)")
    }

    @Test func `fit keeps the weights of a layer that is frozen in Keras, and goes on with the optimizer's state`()
        throws
    {
        var file = try PatchedFile("\(FitCase.folder)/model3.initial.keras")
        file.changeEntry("config.json") { entry in
            #expect(entry.replace(#""lstm", "trainable": true"#, with: #""lstm", "trainable":false"#) == 1)
        }
        let (model, trained) = (try path("model.keras"), try path("trained.safetensors"))
        try Data(file.bytes).write(to: URL(filePath: model))
        for (file, options) in [(model, []), (trained, ["--force", "--resume", "--epochs", "2"])] {
            let ended = try FinishedProgram("sluice", ["fit", file, Self.power, "-o", trained] + Self.data + options)
            #expect(ended.status == 0, "\(ended.errorOutput)")
        }
        let before = try path("before.safetensors")
        #expect(try FinishedProgram("sluice", ["convert", model, before]).status == 0)
        let (old, new) = (try FixtureTensors(URL(filePath: before)), try FixtureTensors(URL(filePath: trained)))
        #expect(old.names.count == 7)
        for name in old.names {
            #expect((old.values(name) == new.values(name)) == name.hasPrefix("lstm/"), "\(name)")
        }
    }

    @Test func `a full disk leaves no partial model`() throws {
        let output = try path("out.safetensors")
        let program = try RunningProgram(
            "sluice", ["fit", Self.model, Self.power, "-o", output] + Self.data, fileSizeLimit: 2)
        #expect(program.waitForEnd() == 73, "\(program.errorOutput)")
        #expect(program.errorOutput.contains("File too large"), "\(program.errorOutput)")
        #expect(try files().isEmpty)
    }

    @Test func `a loss that is not a number ends the training, and the previous weights are kept`() throws {
        let output = try path("out.keras")
        let ended = try FinishedProgram(
            "sluice",
            [
                "fit", Self.model, Self.power, "-o", output, "--epochs", "50", "--optimizer", "sgd", "--learning-rate",
                "1e38",
            ] + Self.data)
        #expect(ended.status == 65, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains("the loss is not a number in epoch"), "\(ended.errorOutput)")
        #expect(try FinishedProgram("sluice", ["inspect", output]).status == 0)
    }

    @Test func `Ctrl-C ends the training after the current batch, and --resume continues it`() throws {
        let output = try path("out.keras")
        let command = ["fit", Self.model, Self.power, "-o", output, "--epochs", "1000000"] + Self.data
        let program = try RunningProgram("sluice", command)
        let isRunning: Bool? = eventually { program.output.split(separator: "\n").count > 3 ? true : nil }
        #expect(isRunning == true)
        kill(program.processIdentifier, SIGINT)
        #expect(program.waitForEnd() == 75)
        #expect(program.errorOutput.contains("interrupted after epoch "), "\(program.errorOutput)")
        let done = program.output.split(separator: "\n").count - 1
        let resumed = try FinishedProgram(
            "sluice",
            ["fit", output, Self.power, "-o", output, "--force", "--resume", "--epochs", "\(done + 2)"] + Self.data)
        #expect(resumed.status == 0, "\(resumed.errorOutput)")
        let epochs = try #require(try FitHistory(resumed.output)["epoch"])
        #expect(epochs.first == Double(done + 1) && epochs.last == Double(done + 2))
    }
}

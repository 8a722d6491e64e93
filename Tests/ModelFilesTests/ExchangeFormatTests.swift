import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Tests files in Sluice's own `.safetensors` format, whether converted or written by hand.
@Suite struct `The exchange format` {
    static let sources =
        `A Keras file`.lively.map { "keras/\($0).keras" } + [
            "keras/keras2.h5", "reference/model1.keras", "reference/model2.h5", "reference/model3.keras",
            "reference/model4.h5", "reference/model5.keras", "reference/model5.h5", "torch/lstm_levels.safetensors",
            "torch/gru.safetensors", "torch/tokens.safetensors",
            "torch/both_ways.safetensors",
        ]

    @Test(arguments: sources)
    func `a converted model is the same model`(source: String) throws {
        let folder = try TemporaryFolder()
        let path = Fixtures.url(source).path()
        let converted = folder.path("converted.safetensors")
        let size = try ModelFile.convert(path, to: converted, replacing: false)
        #expect(try Data(contentsOf: folder.url("converted.safetensors")).count == size)

        let old = try ModelFile.read(path)
        let new = try ModelFile.read(converted)
        #expect(new.fingerprint == old.fingerprint)
        #expect(new.layers == old.layers)
        #expect(new.name == old.name)
        #expect(new.isStateful == old.isStateful)
        #expect(new.sequenceLength == old.sequenceLength)
        #expect(new.kerasVersion == old.kerasVersion)
        #expect(new.format == "Sluice (.safetensors), from \(old.format)")

        let again = folder.path("again.safetensors")
        _ = try ModelFile.convert(converted, to: again, replacing: false)
        #expect(FileManager.default.contentsEqual(atPath: converted, andPath: again))
    }

    /// `sluice convert` wrote these files when the format was new. Old files must stay readable.
    @Test(arguments: ["stacked", "tokens_many", "normalizations"])
    func `a file of format version 1 is read as its original model`(name: String) throws {
        let file = try ModelFile.read(Fixtures.url("exchange/\(name).safetensors").path())
        #expect(try file.fingerprint == ModelFile.read(Fixtures.url("keras/\(name).keras").path()).fingerprint)
    }

    @Test func `a file is overwritten only on request, and never appears incomplete`() throws {
        let folder = try TemporaryFolder()
        let model = Fixtures.url("reference/model2.keras").path()
        let output = try folder.write("mine", to: "model.safetensors")
        let error = try #require(throws: ModelFileError.self) {
            try ModelFile.convert(model, to: output, replacing: false)
        }
        #expect(error.code == .exists)
        #expect(error.path == output)
        #expect(try String(contentsOfFile: output, encoding: .utf8) == "mine")
        _ = try ModelFile.convert(model, to: output, replacing: true)
        #expect(try ModelFile.read(output).fingerprint == ModelFile.read(model).fingerprint)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
    }

    @Test func `a conversion that fails leaves no file behind`() throws {
        let folder = try TemporaryFolder()
        let model = Fixtures.url("reference/model2.keras").path()
        let code = { (input: String, output: String) in
            #expect(throws: ModelFileError.self) { try ModelFile.convert(input, to: output, replacing: true) }?.code
        }
        #expect(code(model, folder.path("no/folder.safetensors")) == .notWritten)
        #expect(code(model, folder.path) == .notWritten)
        #expect(code(model, "/dev/null") == .notWritten)
        #expect(code(folder.path("nowhere.keras"), folder.path("x.safetensors")) == .notFound)
        #expect(code(Fixtures.url("reference/README.md").path(), folder.path("x.safetensors")) == .notAModel)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `a file written by hand has Keras 3's defaults`() throws {
        let lstm = try SafetensorsBuilder.smallest().read()
        #expect(lstm.format == "Sluice (.safetensors)")
        #expect(lstm.layers.map(\.kind) == ["LSTM"])
        #expect(lstm.model.input == .values(1))
        #expect(lstm.sequenceLength == nil && !lstm.isStateful && lstm.kerasVersion == nil)
        let spelledOut = try SafetensorsBuilder(
            layers: """
                {"class_name": "LSTM", "config": {"name": "l", "units": 1, "activation": "tanh",
                "recurrent_activation": "sigmoid", "use_bias": true, "return_sequences": false, "stateful": false}}
                """,
            tensors: [("l/kernel", [1, 4]), ("l/recurrent_kernel", [1, 4]), ("l/bias", [4])]
        ).read()
        #expect(spelledOut.fingerprint == lstm.fingerprint)
    }

    /// The shape of a GRU's bias shows where the layer applies the reset gate. The shape (3 · units) means before the
    /// matrix product, which was the default until Keras 3. The shape (2, 3 · units) means after the product.
    @Test(arguments: [(nil, [2, 3]), ("3.0.0", [2, 3]), ("2.2.4", [3]), ("2.15.0", [3])] as [(String?, [Int])])
    func `a missing option has the default of the Keras version that the file names`(version: String?, bias: [Int])
        throws
    {
        let gru = try SafetensorsBuilder(
            layers: #"{"class_name": "GRU", "config": {"name": "g", "units": 1}}"#,
            tensors: [("g/kernel", [1, 3]), ("g/recurrent_kernel", [1, 3]), ("g/bias", bias)],
            metadata: version.map { ["keras_version": $0] } ?? [:])
        _ = try gru.read()
    }

    @Test func `a missing recurrent activation is hard_sigmoid before Keras 2.3`() throws {
        let fingerprint = { (version: String, options: String) in
            try SafetensorsBuilder(
                layers: #"{"class_name": "LSTM", "config": {"name": "lstm", "units": 1\#(options)}}"#,
                tensors: [("lstm/kernel", [1, 4]), ("lstm/recurrent_kernel", [1, 4]), ("lstm/bias", [4])],
                metadata: ["keras_version": version]
            ).read().fingerprint
        }
        let hard = #", "recurrent_activation": "hard_sigmoid""#
        #expect(try fingerprint("2.2.4", "") == fingerprint("2.3.1", hard))
        #expect(try fingerprint("2.3.1", "") == fingerprint("3.1.0", ""))
        #expect(try fingerprint("2.2.4", "") != fingerprint("3.1.0", hard))
    }

    @Test func `no option is guessed for a source of unknown version`() throws {
        let error = try #require(throws: ModelFileError.self) {
            try SafetensorsBuilder.smallest(metadata: ["keras_version": "unknown"]).read()
        }
        #expect(error.code == .unsupported)
        #expect(error.context.contains("recurrent_activation is missing"))
    }

    @Test func `another version of the format is refused`() throws {
        for (version, word) in [("2", "format_version 2"), ("", "is missing")] {
            let error = try #require(throws: ModelFileError.self) {
                try SafetensorsBuilder.smallest(metadata: ["format_version": version]).read()
            }
            #expect(error.code == .unsupported)
            #expect(error.context.contains(word))
        }
    }

    @Test func `the tensors must match the layers exactly`() throws {
        var file = try SafetensorsBuilder.smallest()
        file.header = file.header.replacing("lstm/bias", with: "lstm/bass")
        let missing = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(missing.code == .corrupt && missing.layer == "lstm")
        #expect(missing.context == "layer 'lstm' (LSTM): tensor 'lstm/bias' is missing")
        let extra = try SafetensorsBuilder(
            layers: #"{"class_name": "Dense", "config": {"name": "d", "units": 1, "use_bias": false}}"#,
            tensors: [("d/kernel", [1, 1]), ("d/bias", [1])])
        let other = try #require(throws: ModelFileError.self) { try extra.read() }
        #expect(other.context == #"the tensors ["d/bias"] belong to no layer"#)
    }
}

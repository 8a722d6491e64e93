import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Tests how models are read from files that Keras wrote.
@Suite struct `A Keras file` {
    static let lively = [
        "smallest", "odd_units", "stacked", "three_deep", "sequences_to_the_end", "dense_stack", "dense_first",
        "no_bias", "relu_cell", "other_gates",
        "gru", "gru_no_bias", "gru_other_gates", "simple_rnn", "lstm_other_gates", "tokens", "tokens_many",
        "time_distributed", "dense_activations", "activation_layers", "rectifiers", "normalizations",
        "normalization_options", "training_only", "tokens_masked_steps", "at_threshold",
    ]

    private func read(_ fixture: String) throws -> ModelFile {
        try ModelFile.read(Fixtures.url(fixture).path())
    }

    @Test(arguments: [
        ("reference/model1", false, "(None, 10)", "(None, 1)"), ("reference/model2", true, "(1, 10)", "(1, 1)"),
    ])
    func `a reference model is the same in both formats`(
        path: String, isStateful: Bool, lstmShape: String, denseShape: String
    ) throws {
        let archive = try read("\(path).keras")
        let legacy = try read("\(path).h5")
        #expect(archive.format == "Keras 3 (.keras)")
        #expect(legacy.format == "Keras HDF5 (.h5)")
        #expect(archive.fingerprint == legacy.fingerprint)
        #expect(archive.fingerprint.count == 64 && archive.fingerprint.allSatisfy(\.isHexDigit))
        for file in [archive, legacy] {
            #expect(file.name == path.split(separator: "/").last.map(String.init))
            #expect(file.kerasVersion == "3.15.1")
            #expect(file.isStateful == isStateful)
            #expect(file.model.features == 1)
            #expect(file.model.outputs == 1)
            #expect(file.model.parameters == 491)
            #expect(file.layers.map(\.kind) == ["LSTM", "Dense"])
            #expect(file.layers.map(\.parameters) == [480, 11])
            #expect(file.layers.map(\.outputShape) == [lstmShape, denseShape])
            #expect(file.model.input == .values(1))
            #expect(file.sequenceLength == (isStateful ? 1 : 150))
        }
        #expect(archive.layers == legacy.layers)
    }

    @Test(arguments: ["keras", "h5"])
    func `a TimeDistributed Dense before the LSTM is read`(form: String) throws {
        let file = try read("reference/model3.\(form)")
        #expect(file.layers.map(\.kind) == ["TimeDistributed", "LSTM", "Dense"])
        #expect(file.layers.map(\.outputShape) == ["(None, 24, 24)", "(None, 10)", "(None, 1)"])
        #expect(file.layers.map(\.parameters) == [48, 1400, 11])
        #expect(file.model.input == .values(1))
        #expect(file.sequenceLength == 24)
        #expect(!file.isStateful)
    }

    @Test(arguments: ["keras", "h5"])
    func `a model that begins with an Embedding takes tokens`(form: String) throws {
        let file = try read("reference/model4.\(form)")
        #expect(file.layers.map(\.kind) == ["Embedding", "LSTM", "Dense"])
        #expect(file.layers.map(\.outputShape) == ["(None, 20, 128)", "(None, 10)", "(None, 1)"])
        #expect(file.layers.map(\.parameters) == [640, 5560, 11])
        #expect(file.model.input == .tokens(5))
        #expect(file.model.features == 1)
        #expect(file.sequenceLength == 20)
        #expect(!file.isStateful)
    }

    @Test func `a Normalization of all features together has one mean and one variance`() throws {
        let file = try read("keras/normalization_of_all.keras")
        #expect(file.layers.prefix(3).map(\.parameters) == [2, 128, 0])
    }

    @Test func `the page on model formats lists exactly the supported layers`() throws {
        let page = try String(
            contentsOf: Fixtures.url("../../Sources/ModelFiles/ModelFiles.docc/ModelFormats.md"), encoding: .utf8)
        let table = try #require(page.split(separator: "## Layers").last?.split(separator: "\n\n").first)
        let rows = table.split(separator: "\n").dropFirst(2)
        let names = rows.flatMap { row in
            (row.split(separator: "|").first ?? "").split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        let supported = `A refused option`.supportedLayers.split(separator: ", ").map(String.init)
        #expect(names.sorted() == supported.filter { $0 != "InputLayer" }.sorted())
    }

    @Test func `a layer that acts only in training is listed but not part of the model`() throws {
        let file = try read("keras/training_only.keras")
        #expect(file.layers.count == 9)
        #expect(file.model.layers.count == 3)
        #expect(file.layers.map(\.parameters).filter { $0 > 0 }.reduce(0, +) == file.model.parameters)
    }

    @Test func `hard_sigmoid has the meaning of the Keras version that wrote the file`() throws {
        let gates = { (file: ModelFile) -> [Activation] in
            file.model.layers.compactMap { ($0 as? LSTM)?.recurrentActivation }
        }
        var file = try PatchedFile("keras/lstm_other_gates.h5")
        #expect(gates(try file.read()) == [.hardSigmoid, .softsign])
        let fingerprint = try file.read().fingerprint
        #expect(file.replace("3.15.1", with: "2.15.1") > 0)
        #expect(gates(try file.read()) == [.hardSigmoidOfKeras2, .softsign])
        #expect(try file.read().fingerprint != fingerprint)
        #expect(file.replace("2.15.1", with: "unknown".prefix(6).description) > 0)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .unsupported)
        #expect(error.context.contains("recurrent_activation='hard_sigmoid'"))
    }

    @Test func `the fingerprint of a model never changes`() throws {
        // Computed independently of this code, with Python's hashlib and the rule in Fingerprint.swift.
        let expected = "b9226d9efe7df865aedbc5c4fd8b5626867706972ebf5ec86f6285ca4b13c1d5"
        #expect(try read("reference/model2.keras").fingerprint == expected)
    }

    @Test(arguments: lively)
    func `a model with random weights is the same in both formats`(name: String) throws {
        let archive = try read("keras/\(name).keras")
        let legacy = try read("keras/\(name).h5")
        #expect(archive.fingerprint == legacy.fingerprint)
        #expect(archive.model.layers.map(\.weights) == legacy.model.layers.map(\.weights))
        #expect(archive.layers == legacy.layers)
        #expect(archive.isStateful && legacy.isStateful)
    }

    @Test func `different models have different fingerprints`() throws {
        let paths = Self.lively.map { "keras/\($0).keras" } + ["reference/model1.keras", "reference/model2.keras"]
        #expect(Set(try paths.map { try read($0).fingerprint }).count == paths.count)
    }

    @Test func `the summary of layers equals Keras' summary`() throws {
        let layers = try read("keras/stacked.keras").layers
        #expect(layers.map(\.outputShape) == ["(1, 1, 10)", "(1, 4)", "(1, 1)"])
        #expect(layers.map(\.parameters) == [560, 240, 5])
    }

    @Test func `an unsupported layer is refused, and the error names it`() throws {
        var file = try PatchedFile("keras/stacked.h5")
        #expect(file.replace(#""class_name": "Dense""#, with: #""class_name": "Conv1""#) == 1)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .unsupported)
        #expect(error.layer?.hasPrefix("dense") == true)
        #expect(
            error.description
                == "\(error.path): layer '\(error.layer ?? "")' (Conv1) is not supported; "
                + "supported layers: \(`A refused option`.supportedLayers)")
    }
}

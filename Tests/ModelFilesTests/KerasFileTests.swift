import Foundation
import ModelFiles
import TestSupport
import Testing

/// What is read from files that Keras wrote.
struct KerasFileTests {
    static let lively = [
        "smallest", "wide_input", "odd_units", "lstm_only", "stacked", "three_deep", "sequences_to_the_end",
        "dense_stack", "dense_first", "no_bias", "relu_cell", "other_gates",
    ]

    private func read(_ fixture: String) throws -> ModelFile {
        try ModelFile.read(Fixtures.url(fixture).path())
    }

    @Test(arguments: [
        ("reference/model1", false, "(None, 10)", "(None, 1)"), ("reference/model2", true, "(1, 10)", "(1, 1)"),
    ])
    func `a reference model is read from both forms alike`(
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
        }
        #expect(archive.layers == legacy.layers)
    }

    @Test func `the fingerprint of a model stays what it is`() throws {
        #expect(try read("reference/model2.keras").fingerprint == "FINGERPRINT2")
    }

    @Test(arguments: lively)
    func `a model with random weights is read from both forms alike`(name: String) throws {
        let archive = try read("keras/\(name).keras")
        let legacy = try read("keras/\(name).h5")
        #expect(archive.fingerprint == legacy.fingerprint)
        #expect(archive.model.layers == legacy.model.layers)
        #expect(archive.layers == legacy.layers)
        #expect(archive.isStateful && legacy.isStateful)
    }

    @Test func `different models have different fingerprints`() throws {
        let paths = Self.lively.map { "keras/\($0).keras" } + ["reference/model1.keras", "reference/model2.keras"]
        #expect(Set(try paths.map { try read($0).fingerprint }).count == paths.count)
    }

    @Test func `layers are summed up as Keras prints them`() throws {
        let layers = try read("keras/stacked.keras").layers
        #expect(layers.map(\.outputShape) == ["(1, 1, 10)", "(1, 4)", "(1, 1)"])
        #expect(layers.map(\.parameters) == [560, 240, 5])
    }

    @Test(arguments: [
        ("model3", "time_distributed", "TimeDistributed"), ("model4", "embedding", "Embedding"),
        ("model5", "embedding_2", "Embedding"),
    ], ["keras", "h5"])
    func `a layer that is not supported is refused by its name`(
        refusal: (model: String, layer: String, className: String), form: String
    ) throws {
        let path = Fixtures.url("reference/\(refusal.model).\(form)").path()
        let error = try #require(throws: ModelFileError.self) { try ModelFile.read(path) }
        #expect(error.code == .unsupported)
        #expect(error.layer == refusal.layer)
        #expect(error.path == path)
        #expect(
            error.description
                == "\(path): layer '\(refusal.layer)' (\(refusal.className)) is not supported; "
                + "supported layers: InputLayer, LSTM, Dense")
    }
}

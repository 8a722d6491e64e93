import Foundation
import ModelFiles
import TestSupport
import Testing

/// Tests the description of layers beside a PyTorch state dict.
@Suite struct `A description of a PyTorch model` {
    /// Reads the state dict of `torch/<fixture>` with the given description; nil for none.
    private func read(
        _ fixture: String, _ description: String?, name: String = "model.yaml"
    ) throws -> ModelFile {
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        try FileManager.default.copyItem(
            atPath: Fixtures.url("torch/\(fixture).safetensors").path(), toPath: path)
        if let description { _ = try folder.write(description, to: name) }
        return try ModelFile.read(path)
    }

    @Test(arguments: ["model.yaml", "model.yml", "model.json"])
    func `a description is found under each of its names`(name: String) throws {
        let file = try read("gru_no_bias", #"{"layers": [{"gru": "gru"}]}"#, name: name)
        #expect(file.format == "PyTorch (.safetensors)")
        #expect(file.layers.map(\.kind) == ["GRU"])
        #expect(file.layers.map(\.outputShape) == ["(None, 3)"])
        #expect(!file.isStateful && file.sequenceLength == nil && file.kerasVersion == nil)
    }

    @Test func `a description states the shape, the statefulness and the names`() throws {
        let text = """
            layers: [{linear: first, activation: tanh}, {gru: gru}, {linear: fc}]
            stateful: true
            input_shape: [24, 3]
            """
        let file = try read("gru", text)
        #expect(file.isStateful)
        #expect(file.sequenceLength == 24)
        #expect(file.layers.map(\.name) == ["first", "gru_l0", "gru_l1", "fc"])
        #expect(file.layers.map(\.outputShape) == ["(1, 24, 4)", "(1, 24, 5)", "(1, 5)", "(1, 2)"])
    }

    static let refusals: [(description: String?, code: ModelFileError.Code, words: String)] = [
        (nil, .notAModel, "model.yaml, as 'layers: [{lstm: lstm}, {linear: fc}]'"),
        ("layers: [", .corrupt, "model.yaml beside it: "),
        ("", .corrupt, "model.yaml beside it: "),
        ("stateful: true", .corrupt, "'layers' is missing"),
        ("layers: [{linear: first}]\nstatefull: true", .unsupported, "'statefull' is not supported"),
        (
            "layers: [{conv: first}]", .unsupported,
            "supported: one of lstm, gru, rnn, linear, embedding, layernorm, batchnorm1d"
        ),
        ("layers: [{gru: gru, linear: fc}]", .unsupported, "supported: one of"),
        ("layers: [{gru: gru, activation: tanh}]", .unsupported, "'activation' of a layer 'gru' is not supported"),
        ("layers: [{linear: [first]}]", .corrupt, "a value is not of the type"),
        ("layers: [{linear: first}, {gru: gru}]", .unsupported, #"the tensors ["fc.bias", "fc.weight"]"#),
        ("layers: [{linear: first}, {lstm: gru}, {linear: fc}]", .corrupt, "expected [20, 5]"),
        ("layers: [{linear: first}, {gru: gro}, {linear: fc}]", .corrupt, "needs the tensor 'gro.weight_hh_l0'"),
        ("layers: [{gru: gru}, {linear: first}, {linear: fc}]", .corrupt, "takes"),
        (
            "layers: [{linear: first, activation: mish}, {gru: gru}, {linear: fc}]", .unsupported,
            "activation='mish' is not supported"
        ),
        ("layers: [{linear: first}, {linear: first}, {gru: gru}, {linear: fc}]", .corrupt, "two weights have the name"),
        (
            "layers: [{linear: first}, {gru: gru}, {linear: fc}]\ninput_shape: [null, 2]", .corrupt,
            "the input shape is (None, None, 2), but the weights need 3 features"
        ),
        (String(repeating: "#", count: 1 << 17), .unreadable, "more than 65536 bytes"),
    ]

    @Test(arguments: refusals)
    func `a description that does not match the state dict is refused, and the error names the mismatch`(
        description: String?, code: ModelFileError.Code, words: String
    ) throws {
        let error = try #require(throws: ModelFileError.self) { try read("gru", description) }
        #expect(error.code == code)
        #expect(error.context.contains(words), "\(error.context)")
    }
}

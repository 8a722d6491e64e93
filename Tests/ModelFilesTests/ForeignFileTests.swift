import Foundation
import ModelFiles
import TestSupport
import Testing

/// Tests that files of other programs, and of other number types, are recognized.
@Suite struct `A foreign file` {
    private func error(_ path: String) throws -> ModelFileError {
        try #require(throws: ModelFileError.self) { try ModelFile.read(path) }
    }

    @Test func `a PyTorch checkpoint is recognized, and the error names what would work`() throws {
        var file = try PatchedFile("reference/model2.keras")
        #expect(file.replace("config.json", with: "ab/data.pkl") == 2)
        let pickle = PatchedFile(bytes: [0x80, 2, 0x7D, 0x71, 0, 0x2E])
        for file in [file, pickle] {
            let error = try #require(throws: ModelFileError.self) { try file.read() }
            #expect(error.code == .notAModel)
            #expect(error.context.contains("is a PyTorch checkpoint; save the weights as .safetensors"))
        }
    }

    @Test func `a SavedModel is recognized by its folder and by its file`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("\u{8}\u{1}\u{12}", to: "saved_model.pb")
        for path in [folder.path, file] {
            let error = try error(path)
            #expect(error.code == .notAModel)
            #expect(error.context.hasPrefix("is a SavedModel of TensorFlow; save the model as one file: "))
        }
    }

    @Test func `an archive with weights of the same layers in two places is refused`() throws {
        let error = try error(Fixtures.url("keras/archive_ambiguous.keras").path())
        #expect(error.code == .corrupt)
        #expect(error.context.contains("has weights of the same layers in two places"))
    }

    @Test func `a file of Keras 1 is recognized with and without its version`() throws {
        var file = try PatchedFile("reference/model2.h5")
        #expect(file.replace(#""unit_forget_bias""#, with: #""inner_init""#) > 0)
        #expect(file.replace("keras_version", with: "keras_verzion") > 0)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .unsupported)
        #expect(error.context.hasPrefix("was written by Keras 1; load the file with Keras 2"))
    }

    @Test(
        arguments: [
            (
                "dtype_mixed_float16",
                "mixed_float16 and is served in float32, so that Keras' own answers differ by about 1e-3"
            ),
            ("dtype_float64", "float64 and is served in float32, so that Keras' own answers differ by about 1e-6"),
            ("dtype_int32_input", "truncates its values to whole numbers; send whole numbers only"),
        ], ["keras", "h5"])
    func `a model of another number type is read with a caution`(example: (String, String), form: String) throws {
        let file = try ModelFile.read(Fixtures.url("keras/sequences/\(example.0).\(form)").path())
        #expect(file.cautions.count == 1 && file.cautions[0].hasSuffix(example.1), "\(file.cautions)")
    }

    @Test(arguments: ["keras/sequences/dtype_float64_input.keras", "reference/model2.keras", "keras/tokens.h5"])
    func `a model whose number type changes no answer has no caution`(file: String) throws {
        #expect(try ModelFile.read(Fixtures.url(file).path()).cautions.isEmpty)
    }
}

import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Tests files that are written with new weights and a new training state. `tools/check/keras-files` loads such files
/// in Keras.
@Suite struct `A written model` {
    static let sources = [
        "exchange/stacked.safetensors", "keras/normalizations.keras", "keras/sequences/functional.keras",
        "keras/sequences/functional_tokens.h5", "keras/sequences/two_ways_other_backward.h5",
        "keras/training_only.keras", "reference/model2.keras", "reference/training/resume.initial.keras",
    ]

    /// Returns the document with each trainable weight multiplied by a factor.
    private static func scaled(_ document: ModelDocument, by factor: Float) throws -> ModelDocument {
        var weights: [String: Tensor] = [:]
        for (layer, (names, areTrainable)) in zip(
            document.file.model.layers, zip(document.weightNames, document.isTrainable))
        {
            for (tensor, (name, isTrainable)) in zip(layer.weights, zip(names, areTrainable)) where isTrainable {
                weights[name] = try Tensor(shape: tensor.shape, values: tensor.values.map { $0 * factor })
            }
        }
        return try document.replacing(
            weights: weights, compilation: document.compilation, optimizer: document.optimizer)
    }

    @Test(arguments: sources, [".keras", ".safetensors"])
    func `a model that is written with other weights is read with those weights`(source: String, ending: String) throws
    {
        let folder = try TemporaryFolder()
        let original = try ModelDocument.read(Fixtures.url(source).path())
        let changed = try Self.scaled(original, by: 0.5)
        #expect(changed.file.fingerprint != original.file.fingerprint)
        let path = folder.path("changed\(ending)")
        try changed.write(to: path, replacing: false)

        let read = try ModelDocument.read(path)
        #expect(read.file.fingerprint == changed.file.fingerprint)
        #expect(read.file.layers == original.file.layers)
        #expect(read.file.sequenceLength == original.file.sequenceLength)
        #expect(read.file.isStateful == original.file.isStateful)
        #expect(read.file.loss == original.file.loss)
        #expect(read.compilation == original.compilation)
        #expect(read.optimizer == original.optimizer)

        let again = folder.path("again\(ending)")
        try changed.write(to: again, replacing: false)
        #expect(FileManager.default.contentsEqual(atPath: path, andPath: again))
        try Self.scaled(read, by: 2).write(to: again, replacing: true)
        #expect(try ModelFile.read(again).fingerprint == original.file.fingerprint)
    }

    @Test func `the optimizer's state in a Keras file is read as Keras wrote it`() throws {
        let document = try ModelDocument.read(Fixtures.url("reference/training/resume.initial.keras").path())
        let optimizer = try #require(document.optimizer)
        #expect(optimizer.updates == 50)
        #expect(optimizer.learningRate == 0.01)
        let shapes = document.file.model.layers.flatMap { $0.weights.map(\.shape) }
        let slots = try #require(optimizer.slots(2, ofShapes: shapes))
        #expect(slots.count == 7)
        // A velocity is a mean of squares and therefore positive.
        #expect(slots.allSatisfy { $0[1].values.allSatisfy { $0 > 0 } })
        #expect(slots.contains { $0[0].values.contains { $0 < 0 } })
        #expect(optimizer.slots(1, ofShapes: shapes) == nil)
        let compilation = try #require(document.compilation)
        #expect(compilation.optimizer == "Adam")
        #expect(compilation.learningRate == .constant(0.009999999776482582))
        #expect(compilation.optimizerNumber("beta_2") == 0.999)
        #expect(compilation.optimizerOption("clipnorm") == nil)
        #expect(compilation.loss?.name == "binary_crossentropy")
        #expect(compilation.metrics == ["accuracy"])
    }

    @Test(arguments: [".keras", ".safetensors"])
    func `the compile options and the optimizer's variables are written`(ending: String) throws {
        let folder = try TemporaryFolder()
        let document = try ModelDocument.read(Fixtures.url("reference/model2.keras").path())
        var compilation = try #require(document.compilation)
        compilation.setOptimizer("SGD", options: ["momentum": .number(0.5)])
        compilation.setLearningRate(.exponentialDecay(initial: 0.125, rate: 0.5, steps: 100))
        compilation.setLoss("mean_squared_error")
        compilation.setMetrics(["accuracy", "mean_absolute_error"])
        let slots = document.file.model.layers.flatMap { $0.weights.map { [$0] } }
        let optimizer = OptimizerVariables(updates: 1 << 40, learningRate: nil, slots: slots)
        let path = folder.path("sgd\(ending)")
        try document.replacing(weights: [:], compilation: compilation, optimizer: optimizer)
            .write(to: path, replacing: false)

        let read = try ModelDocument.read(path)
        #expect(read.optimizer == optimizer)
        #expect(read.compilation == compilation)
        #expect(read.compilation?.learningRate == .exponentialDecay(initial: 0.125, rate: 0.5, steps: 100))
        #expect(read.compilation?.optimizerNumber("momentum") == 0.5)
        #expect(read.file.loss?.name == "mean_squared_error")
        #expect(read.file.fingerprint == document.file.fingerprint)
    }

    @Test func `an existing file is replaced only on request, and a failed write leaves no file behind`() throws {
        let folder = try TemporaryFolder()
        let document = try ModelDocument.read(Fixtures.url("reference/model2.keras").path())
        let mine = try folder.write("mine", to: "mine.keras")
        let code = { (path: String, replacing: Bool) in
            #expect(throws: ModelFileError.self) { try document.write(to: path, replacing: replacing) }?.code
        }
        #expect(code(mine, false) == .exists)
        #expect(try String(contentsOfFile: mine, encoding: .utf8) == "mine")
        #expect(code(folder.path("no/folder.keras"), true) == .notWritten)
        #expect(code(folder.path("model.h5"), true) == .unsupported)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mine.keras"])
        try document.write(to: mine, replacing: true)
        #expect(try ModelFile.read(mine).fingerprint == document.file.fingerprint)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mine.keras"])
    }

    @Test func `a weight that does not fit is refused`() throws {
        let document = try ModelDocument.read(Fixtures.url("reference/model2.keras").path())
        let context = { (name: String, tensor: Tensor) in
            #expect(throws: ModelFileError.self) {
                try document.replacing(weights: [name: tensor], compilation: nil, optimizer: nil)
            }?.context
        }
        let name = try #require(document.weightNames.last?.last)
        #expect(
            try context(name, Tensor(shape: [2], values: [1, 2]))?.contains("has the shape [2], expected [1]") == true)
        #expect(try context(name, Tensor(shape: [1], values: [.nan]))?.contains("holds a NaN") == true)
        #expect(try context("other/bias", Tensor(shape: [1], values: [1])) == "there is no weight 'other/bias'")
    }

    @Test func `a Keras 2 model can be written only as safetensors`() throws {
        let folder = try TemporaryFolder()
        let document = try ModelDocument.read(Fixtures.url("keras/keras2.h5").path())
        let error = #expect(throws: ModelFileError.self) {
            try document.write(to: folder.path("new.keras"), replacing: false)
        }
        #expect(error?.context.contains("give an output that ends in .safetensors") == true)
        try document.write(to: folder.path("new.safetensors"), replacing: false)
        #expect(try ModelFile.read(folder.path("new.safetensors")).fingerprint == document.file.fingerprint)
    }
}

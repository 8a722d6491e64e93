import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// The engine's answers to whole sequences against Keras' own: every file of `Fixtures/keras/sequences`.
struct SequenceAnswerTests {
    /// How far an answer may be from Keras': both compute in float32, in another order.
    static let tolerance: Float = 1e-5

    static let folder = "keras/sequences"

    /// The files of the folder that are models, in both forms.
    static let files = Set(
        (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url(folder).path()))?.filter {
            $0.hasSuffix(".keras") || $0.hasSuffix(".h5")
        } ?? [])

    /// What Keras does and the engine refuses, and some words of the reason. Some have answers of Keras' all the same.
    static let refused = [
        "two_ways_turned.keras": "go_backwards", "masked_two_ways_turned.keras": "go_backwards",
        "masked_reshaped.keras": "target_shape", "keras2_rescaled_after_mask.h5": "masked timesteps",
        "keras2_normalized_after_mask.h5": "masked timesteps",
    ]

    @Test func `the folder has all its models, each with answers`() throws {
        let names = Set(Self.files.compactMap { $0.split(separator: ".").first.map(String.init) })
        let answers = try FileManager.default.contentsOfDirectory(atPath: Fixtures.url(Self.folder).path())
            .filter { $0.hasSuffix(".csv") }
        #expect(names == Set(answers.map { String($0.dropLast(4)) }))
        #expect(names.count == 82)
        #expect(Self.files.isSuperset(of: Self.refused.keys))
    }

    @Test(arguments: files.subtracting(refused.keys).sorted())
    func `the answer to each whole sequence is Keras' own`(file: String) throws {
        let model = try ModelFile.read(Fixtures.url("\(Self.folder)/\(file)").path()).model
        let runner = SequenceRunner(model: model)
        let streams = try Stream.all(ofModel: file, model)
        #expect(streams.count == 8)
        for stream in streams {
            let answer = runner.answer(to: Array(stream.timesteps.joined()).span).array
            let expected = try #require(stream.answers.last ?? nil)
            #expect(difference(answer, expected) <= Self.tolerance, "the answer to \(stream.name)")
        }
    }

    @Test(arguments: files.subtracting(refused.keys).sorted())
    func `a causal model's answer after each timestep is Keras' own to the sequence so far`(file: String) throws {
        let model = try ModelFile.read(Fixtures.url("\(Self.folder)/\(file)").path()).model
        let streams = try Stream.all(ofModel: file, model)
        // Keras was asked after each timestep where a model is causal, and only there.
        #expect(model.isCausal == streams.contains { $0.answers.dropLast().contains { $0 != nil } })
        guard model.isCausal else { return }
        for stream in streams {
            let given = answers(of: model, to: stream.timesteps)
            for (step, (answer, expected)) in zip(given, stream.answers).enumerated() {
                let difference = difference(answer, try #require(expected))
                #expect(difference <= Self.tolerance, "step \(step + 1) of \(stream.name)")
            }
        }
    }

    /// Functional models of Keras 3 that are no chain of Keras' layers as they are for inference, with some words of the
    /// reason.
    static let noChains = [
        "functional_fork.keras": "supported: once, with one input",
        "functional_two_outputs.keras": "1 inputs and 2 outputs",
        "functional_layer_called_twice.keras": "is called 2 times",
        "functional_operation.keras": "(Multiply) is not supported",
        "functional_other_mask.keras": "a mask of its own",
        "functional_own_class.keras": "layer 'dense_2' (custom>Dense) is not supported",
        "functional_call_for_training.keras": "(Dropout): a call with training=True is not supported",
    ]

    @Test(
        arguments: refused.map { ("keras/sequences/\($0)", $1) } + noChains.map { ("keras/refused/\($0)", $1) })
    func `what the engine does not compute is refused by name`(file: String, reason: String) throws {
        let error = #expect(throws: ModelFileError.self) {
            try ModelFile.read(Fixtures.url(file).path())
        }
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains(reason) == true, "\(error)")
    }

    /// The largest difference; infinite where the numbers of values differ, or one of two values is NaN.
    private func difference(_ answer: [Float], _ expected: [Float]) -> Float {
        guard answer.count == expected.count else { return .infinity }
        let differences = zip(answer, expected).map { $0.isNaN && $1.isNaN ? 0 : abs($0 - $1) }
        return differences.contains { $0.isNaN } ? .infinity : differences.max() ?? .infinity
    }

    /// One sequence with Keras' answers to it.
    private struct Stream {
        let name: String
        /// Shape (n, features).
        let timesteps: [[Float]]
        /// After each timestep, shape (outputs); nil where Keras was not asked, NaN where it
        /// divided by no timesteps: the mean of a sequence that is masked from end to end.
        let answers: [[Float]?]

        /// The sequences of a model, from the CSV file beside it.
        static func all(ofModel file: String, _ model: Model) throws -> [Stream] {
            let name = try #require(file.split(separator: ".").first)
            let rows = try Fixtures.rows("\(folder)/\(name).csv")
            return try Dictionary(grouping: rows) { $0["stream"] ?? "" }.sorted { $0.key < $1.key }.map { name, rows in
                Stream(
                    name: name,
                    timesteps: try rows.map { row in
                        try (0..<model.features).map { try #require(row["x\($0)"].flatMap { Float($0) }) }
                    },
                    answers: try rows.map { row in
                        guard row["y0"] != "" else { return nil }
                        return try (0..<model.outputs).map { try #require(row["y\($0)"].flatMap { Float($0) }) }
                    })
            }
        }
    }
}

import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Compares the engine's outputs for whole sequences with Keras' outputs, for every file in `Fixtures/keras/sequences` and
/// `Fixtures/keras/graphs`.
@Suite struct `The answers of Keras to whole sequences` {
    /// The allowed difference from Keras' answers. Both sides compute in float32, but in a different order.
    static let tolerance: Float = 1e-5

    /// The model files, `.keras` and `.h5`, of the two folders.
    static let files = models(in: "keras/sequences").union(models(in: "keras/graphs"))

    private static func models(in folder: String) -> Set<String> {
        let files = try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url(folder).path())
        return Set((files ?? []).filter { $0.hasSuffix(".keras") || $0.hasSuffix(".h5") }.map { "\(folder)/\($0)" })
    }

    /// The models that the engine rejects, each with a fragment of its error. The fixtures contain Keras' answers for some of
    /// them.
    static let refused = [
        "keras/sequences/two_ways_turned.keras": "go_backwards",
        "keras/sequences/masked_two_ways_turned.keras": "go_backwards",
        "keras/sequences/masked_reshaped.keras": "target_shape",
        "keras/sequences/keras2_rescaled_after_mask.h5": "masked timesteps",
        "keras/sequences/keras2_normalized_after_mask.h5": "masked timesteps",
    ]

    @Test(arguments: [("keras/sequences", 127), ("keras/graphs", 59)])
    func `each model in a folder has answers`(folder: String, count: Int) throws {
        let names = Set(Self.models(in: folder).compactMap { $0.split(separator: ".").first.map(String.init) })
        let answers = try FileManager.default.contentsOfDirectory(atPath: Fixtures.url(folder).path())
            .filter { $0.hasSuffix(".csv") }
        #expect(names == Set(answers.map { "\(folder)/\($0.dropLast(4))" }))
        #expect(names.count == count)
        #expect(Self.files.isSuperset(of: Self.refused.keys))
    }

    @Test(arguments: files.subtracting(refused.keys).sorted())
    func `the runner computes Keras' answer for each whole sequence`(file: String) throws {
        let model = try ModelFile.read(Fixtures.url(file).path()).model
        let runner = SequenceRunner(model: model)
        let streams = try Stream.all(ofModel: file, model)
        #expect(streams.count == 8)
        for stream in streams {
            let answer = runner.output(for: Array(stream.timesteps.joined()).span).array
            let expected = try #require(stream.answers.last ?? nil)
            #expect(difference(answer, expected) <= Self.tolerance, "the answer to \(stream.name)")
        }
    }

    @Test(arguments: files.subtracting(refused.keys).sorted())
    func `a model with an answer after each timestep computes Keras' answers`(file: String) throws {
        let read = try ModelFile.read(Fixtures.url(file).path())
        let model = read.model
        let streams = try Stream.all(ofModel: file, model)
        // Only the fixtures of models that are causal or answer every timestep have an answer after each timestep.
        let hasEvery = (model.isCausal && read.sequenceLength == nil) || read.answersEveryTimestep
        #expect(hasEvery == streams.contains { $0.answers.dropLast().contains { $0 != nil } })
        guard hasEvery else { return }
        for stream in streams {
            let given = model.isCausal ? answers(of: model, to: stream.timesteps) : everyAnswer(of: model, to: stream)
            for (step, (answer, expected)) in zip(given, stream.answers).enumerated() {
                let difference = difference(answer, try #require(expected))
                #expect(difference <= Self.tolerance, "step \(step + 1) of \(stream.name)")
            }
        }
    }

    /// Functional models of Keras 3 that are not a graph of supported layers, each with a fragment of its error.
    static let notGraphs = [
        "functional_two_outputs.keras": "1 input and 2 outputs",
        "functional_operation.keras": "(Multiply): is not supported with a number",
        "functional_other_mask.keras": "a mask of its own",
        "functional_own_class.keras": "layer 'dense_2' (custom>Dense) is not supported",
        "functional_call_for_training.keras": "(Dropout): a call with training=True is not supported",
    ]

    @Test(
        arguments: refused.map { ($0, $1) } + notGraphs.map { ("keras/refused/\($0)", $1) })
    func `the error for an unsupported model names the unsupported part`(file: String, reason: String) throws {
        let error = #expect(throws: ModelFileError.self) {
            try ModelFile.read(Fixtures.url(file).path())
        }
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains(reason) == true, "\(error)")
    }

    /// Returns the runner's output at each timestep of a whole sequence.
    private func everyAnswer(of model: Model, to stream: Stream) -> [[Float]] {
        let runner = SequenceRunner(model: model)
        let outputs = runner.everyOutput(for: Array(stream.timesteps.joined()).span)
        return stream.timesteps.indices.map { index in
            outputs.extracting(index * model.outputs..<(index + 1) * model.outputs).array
        }
    }

    /// Returns the largest difference; infinite if the counts differ or only one of two values is NaN.
    private func difference(_ answer: [Float], _ expected: [Float]) -> Float {
        guard answer.count == expected.count else { return .infinity }
        let differences = zip(answer, expected).map { $0.isNaN && $1.isNaN ? 0 : abs($0 - $1) }
        return differences.contains { $0.isNaN } ? .infinity : differences.max() ?? .infinity
    }

    /// One sequence, and Keras' answers to it.
    private struct Stream {
        let name: String
        /// The timesteps, shape (timesteps, features).
        let timesteps: [[Float]]
        /// Keras' answer after each timestep, shape (outputs); nil if the fixture has none. The mean of a sequence
        /// whose timesteps are all masked is NaN.
        let answers: [[Float]?]

        /// Returns the sequences for a model, from the CSV file next to the model file.
        static func all(ofModel file: String, _ model: Model) throws -> [Stream] {
            let name = try #require(file.split(separator: ".").first)
            let rows = try Fixtures.rows("\(name).csv")
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

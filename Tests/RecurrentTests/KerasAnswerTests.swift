import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Compares the engine's outputs with Keras' outputs, for models saved by Keras.
@Suite struct `The answers of Keras` {
    /// The allowed difference from Keras' answers. Both sides compute in float32, but in a different order.
    static let tolerance: Float = 1e-5

    static let cases = [
        "smallest", "odd_units", "stacked", "three_deep", "sequences_to_the_end", "dense_stack", "dense_first",
        "no_bias", "relu_cell", "other_gates",
        "gru", "gru_no_bias", "gru_other_gates", "simple_rnn", "lstm_other_gates", "tokens", "tokens_many",
        "time_distributed", "time_distributed_layers", "convolution_of_one_timestep", "dense_activations",
        "activation_layers", "rectifiers", "normalizations",
        "normalization_options", "normalization_of_all", "training_only", "tokens_masked_steps", "at_threshold",
    ]

    @Test(arguments: cases, ["keras", "h5"])
    func `the engine computes Keras' answers for a model with random weights`(name: String, form: String) throws {
        let file = try ModelFile.read(Fixtures.url("keras/\(name).\(form)").path())
        let rows = try Fixtures.rows("keras/\(name).csv")
        let sequence = try rows.map { try floats($0, "x", count: file.model.features) }
        let expected = try rows.map { try floats($0, "y", count: file.model.outputs) }
        #expect(sequence.count == 40)
        #expect(largestDifference(answers(of: file.model, to: sequence), expected) <= Self.tolerance)
    }

    @Test func `the engine computes Keras 2's answers for a model that Keras 2 wrote`() throws {
        let file = try ModelFile.read(Fixtures.url("keras/keras2.h5").path())
        let rows = try Fixtures.rows("keras/keras2.csv")
        let sequence = try rows.map { try floats($0, "x", count: 3) }
        let expected = try rows.map { try floats($0, "y", count: 2) }
        #expect(sequence.count == 40)
        #expect(largestDifference(answers(of: file.model, to: sequence), expected) <= Self.tolerance)
    }

    /// Several layers have weights of the same shapes, so that only the right paths give the right answers.
    @Test(arguments: ["2.13", "2.13_windows", "2.14", "2.15"])
    func `the engine computes Keras' answers for archives of TensorFlow's Keras 2`(version: String) throws {
        let file = try ModelFile.read(Fixtures.url("keras/archive_\(version).keras").path())
        let rows = try Fixtures.rows("keras/archive_\(version).csv")
        let sequence = try rows.map { try floats($0, "x", count: 4) }
        let expected = try rows.map { try floats($0, "y", count: 1) }
        #expect(sequence.count == 40)
        #expect(largestDifference(answers(of: file.model, to: sequence), expected) <= Self.tolerance)
    }

    @Test(
        arguments: [
            "reference/model1", "reference/model2", "reference/model2_endless", "keras/model3_answers",
            "reference/model4",
        ], ["keras", "h5"])
    func `the engine computes Keras' answers for a reference model`(answersFile: String, form: String) throws {
        let model = try #require(answersFile.split(separator: "/").last?.prefix(6))
        let file = try ModelFile.read(Fixtures.url("reference/\(model).\(form)").path())
        let streams = Dictionary(grouping: try Fixtures.rows("\(answersFile).csv")) { $0["stream"] }
        #expect(!streams.isEmpty)
        for rows in streams.values {
            let sequence = try rows.map { try floats($0, "x", count: 1) }
            let expected = try rows.map { [try #require($0["probability"].flatMap { Float($0) })] }
            #expect(largestDifference(answers(of: file.model, to: sequence), expected) <= Self.tolerance)
        }
    }
}

/// Returns the model's output after each timestep of one stream from the zero state, shape (timesteps, outputs).
func answers(of model: Model, to sequence: [[Float]]) -> [[Float]] {
    let pool = StatePool(model: model)
    let row = pool.insert()
    return sequence.map { timestep in
        pool.step(row, inputs: timestep.span, index: 0)
        return pool.outputs(of: row).array
    }
}

extension Span where Element: Copyable {
    /// A copy of the elements.
    var array: [Element] { indices.map { self[$0] } }
}

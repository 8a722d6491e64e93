import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Compares the engine's outputs with PyTorch's outputs, for state dicts and answers that PyTorch wrote.
@Suite struct `The answers of PyTorch` {
    static let cases = [
        "lstm", "lstm_levels", "lstm_double", "gru", "gru_no_bias", "rnn", "bare", "tokens", "norms",
    ]

    /// The allowed difference from PyTorch's answers. Both sides compute in float32, but in a different order.
    private let tolerance: Float = 1e-5

    private func difference(_ name: String) throws -> Float {
        let file = try ModelFile.read(Fixtures.url("torch/\(name).safetensors").path())
        let rows = try Fixtures.rows("torch/\(name).csv")
        let sequence = try rows.map { try floats($0, "x", count: file.model.features) }
        let expected = try rows.map { try floats($0, "y", count: file.model.outputs) }
        #expect(sequence.count == 40)
        return largestDifference(answers(of: file.model, to: sequence), expected)
    }

    @Test(arguments: cases)
    func `the engine computes PyTorch's answers for a model with random weights`(name: String) throws {
        #expect(try difference(name) <= tolerance)
    }

    /// PyTorch rounded the weights to 16 bits before it computed the answers.
    @Test(arguments: ["lstm_half", "lstm_bfloat"])
    func `weights of 16 bits are read without loss`(name: String) throws {
        #expect(try difference(name) <= tolerance)
    }

    /// Each expected answer belongs to a prefix of the sequence and comes from the last states of both directions.
    @Test func `the engine computes PyTorch's answers to whole sequences for a bidirectional model`() throws {
        let model = try ModelFile.read(Fixtures.url("torch/both_ways.safetensors").path()).model
        let rows = try Fixtures.rows("torch/both_ways.csv")
        let sequence = try rows.flatMap { try floats($0, "x", count: 1) }
        let expected = try rows.map { try floats($0, "y", count: 2) }
        let runner = SequenceRunner(model: model)
        let answers = (1...sequence.count).map { runner.output(for: Array(sequence.prefix($0)).span).array }
        #expect(largestDifference(answers, expected) <= tolerance)
    }
}

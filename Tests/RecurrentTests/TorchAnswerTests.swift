import ModelFiles
import Recurrent
import TestSupport
import Testing

/// The engine's answers against PyTorch's own, from state dicts and answers that PyTorch wrote.
struct TorchAnswerTests {
    static let cases = [
        "lstm", "lstm_levels", "lstm_double", "gru", "gru_no_bias", "rnn", "bare", "tokens",
    ]

    /// How far an answer may be from PyTorch's: both compute in float32, in another order.
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
    func `every answer of a model with random weights is PyTorch's own`(name: String) throws {
        #expect(try difference(name) <= tolerance)
    }

    /// The weights are the very numbers that PyTorch computed with, rounded to 16 bits before.
    @Test(arguments: ["lstm_half", "lstm_bfloat"])
    func `weights of 16 bits are taken as the numbers that they are`(name: String) throws {
        #expect(try difference(name) <= tolerance)
    }

    /// PyTorch's answer to each beginning of the sequence, from the last states of both directions.
    @Test func `a two-way model's answers to whole sequences are PyTorch's own`() throws {
        let model = try ModelFile.read(Fixtures.url("torch/both_ways.safetensors").path()).model
        let rows = try Fixtures.rows("torch/both_ways.csv")
        let sequence = try rows.flatMap { try floats($0, "x", count: 1) }
        let expected = try rows.map { try floats($0, "y", count: 2) }
        let runner = SequenceRunner(model: model)
        let answers = (1...sequence.count).map { runner.answer(to: Array(sequence.prefix($0)).span).array }
        #expect(largestDifference(answers, expected) <= tolerance)
    }
}

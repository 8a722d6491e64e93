import ModelFiles
import Recurrent
import TestSupport
import Testing

@Suite struct `A runner of whole sequences` {
    @Test(arguments: ["keras", "h5"])
    func `the runner computes Keras' answers for the reference model5`(form: String) throws {
        let model = try ModelFile.read(Fixtures.url("reference/model5.\(form)").path()).model
        #expect(!model.isCausal)
        let runner = SequenceRunner(model: model)
        let streams = Dictionary(grouping: try Fixtures.rows("reference/model5.csv")) { $0["stream"] }
        #expect(streams.count == 20)
        for rows in streams.values {
            let tokens = try rows.map { try #require($0["x0"].flatMap { Float($0) }) }
            let expected = try #require(rows.last?["probability"].flatMap { Float($0) })
            let answer = runner.output(for: tokens.span)[0]
            #expect(abs(answer - expected) <= 1e-5)
        }
    }

    @Test(arguments: ["stacked", "gru", "normalizations", "tokens", "sequences/convolution_causal"])
    func `a causal model gives the same bits for a whole sequence as for single timesteps`(name: String) throws {
        let model = try ModelFile.read(Fixtures.url("keras/\(name).keras").path()).model
        #expect(model.isCausal)
        let runner = SequenceRunner(model: model)
        let sequence = try Fixtures.rows("keras/\(name).csv").map { row in
            try (0..<model.features).map { try #require(row["x\($0)"].flatMap { Float($0) }) }
        }
        let steps = answers(of: model, to: sequence)
        for length in [1, 2, 7, sequence.count] {
            let timesteps = Array(sequence.prefix(length).joined())
            let answer = runner.output(for: timesteps.span).array
            #expect(answer == steps[length - 1])
        }
    }

    @Test func `a run does not affect the next run, whatever the lengths of their sequences`() throws {
        let model = try ModelFile.read(Fixtures.url("reference/model5.keras").path()).model
        let sequences: [[Float]] = [[1, 2, 3, 4, 1, 2], [4], [3, 3, 2], Array(repeating: 2, count: 300), [1, 2]]
        let alone = sequences.map { wholeAnswer(of: model, to: $0) }
        let runner = SequenceRunner(model: model)
        for index in [0, 1, 2, 3, 4, 3, 1, 0] {
            let timesteps = sequences[index]
            let answer = runner.output(for: timesteps.span).array
            #expect(answer == alone[index])
        }
    }
}

/// Returns a new runner's output for a whole sequence.
private func wholeAnswer(of model: Model, to timesteps: [Float]) -> [Float] {
    let runner = SequenceRunner(model: model)
    let answer = runner.output(for: timesteps.span)
    return answer.array
}

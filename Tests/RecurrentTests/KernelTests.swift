import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Compares each set of kernels that this machine can run with Keras' answers and with double precision.
@Suite struct `A set of kernels` {
    @Test func `the last available set is one that every machine can run`() {
        #expect(["baseline", "neon"].contains(Kernels.available.last?.name))
        #expect(Kernels.best.name == Kernels.available.first?.name)
    }

    @Test(
        arguments: Kernels.available.indices,
        ["odd_units", "three_deep", "no_bias", "other_gates", "gru", "gru_no_bias", "simple_rnn", "dense_activations"])
    func `every set computes Keras' answers`(set: Int, name: String) throws {
        let file = try ModelFile.read(Fixtures.url("keras/\(name).keras").path())
        let model = try Model(layers: file.model.layers, kernels: Kernels.available[set])
        let rows = try Fixtures.rows("keras/\(name).csv")
        let sequence = try rows.map { row in
            try (0..<model.features).map { try #require(row["x\($0)"].flatMap { Float($0) }) }
        }
        for (answer, row) in zip(answers(of: model, to: sequence), rows) {
            for (output, value) in answer.enumerated() {
                let expected = try #require(row["y\(output)"].flatMap { Float($0) })
                #expect(abs(value - expected) <= 1e-5)
            }
        }
    }

    @Test(arguments: Kernels.available.indices)
    func `an endless stream stays near double precision`(set: Int) throws {
        let file = try ModelFile.read(Fixtures.url("reference/model2.keras").path())
        let model = try Model(layers: file.model.layers, kernels: Kernels.available[set])
        let lstm = ReferenceLSTM<Double>(try #require(model.layers.first as? LSTM))
        let dense = try #require(model.layers.last as? Dense)
        let kernel = ReferenceMatrix<Double>(dense.kernel)
        let bias = Double(try #require(dense.bias).values[0])
        var timestep = ReferenceLSTM<Double>.Timestep(units: lstm.units)
        let pool = StatePool(model: model)
        let row = pool.insert()
        for step in 0..<10_000 {
            // The inputs have a cycle of 24 hours, but no two days are the same.
            let x = Float(1.5 * sin(Double(step) * 2 * .pi / 24) + 0.7 * sin(Double(step) * 0.377))
            pool.step(row, inputs: [x].span, index: 0)
            timestep = lstm.step([Double(x)], after: timestep)
            var logit = [bias]
            kernel.addProduct(timestep.h, to: &logit)
            let answer = pool.outputs(of: row)[0]
            #expect(abs(Double(answer) - Double.sigmoid(logit[0])) <= 1e-5)
        }
    }

    @Test(arguments: Kernels.available.indices, [Activation.sigmoid, .tanh])
    func `sigmoid and tanh are accurate to two and a half epsilon, and exact at their limits`(
        set: Int, activation: Activation
    ) throws {
        let model = try Model(
            layers: [ActivationLayer(units: 1, activation: activation)], kernels: Kernels.available[set])
        let exact = { (x: Double) in activation == .tanh ? Foundation.tanh(x) : 1 / (1 + Foundation.exp(-x)) }
        let points = stride(from: Float(-60), through: 60, by: 0.0137).map { $0 }
        for (x, found) in zip(points, answers(of: model, to: points.map { [$0] }).joined()) {
            let expected = exact(Double(x))
            #expect(abs(Double(found) - expected) <= 2.5 * Double(Float.ulpOfOne) * abs(expected), "at \(x)")
        }
        let limits: [Float] = [-.infinity, .infinity, -1e30, 1e30, 0, .nan]
        let found = answers(of: model, to: limits.map { [$0] }).map { $0[0] }
        let low: Float = activation == .tanh ? -1 : 0
        #expect(found.prefix(5) == [low, 1, low, 1, activation == .tanh ? 0 : 0.5])
        #expect(found[5].isNaN)
    }
}

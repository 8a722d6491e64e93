import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Each set of vector instructions that this machine can run, against Keras and against double precision.
struct KernelTests {
    @Test func `there is a set that every machine can run`() {
        #expect(["baseline", "neon"].contains(Kernels.available.last?.name))
        #expect(Kernels.best.name == Kernels.available.first?.name)
    }

    @Test(
        arguments: Kernels.available.indices,
        ["odd_units", "three_deep", "no_bias", "other_gates", "gru", "gru_no_bias", "simple_rnn", "dense_activations"])
    func `every answer is Keras' own`(set: Int, name: String) throws {
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
    func `an endless stream stays with double precision`(set: Int) throws {
        let file = try ModelFile.read(Fixtures.url("reference/model2.keras").path())
        let model = try Model(layers: file.model.layers, kernels: Kernels.available[set])
        let exact = try DoublePrecision(file.model)
        let pool = StatePool(model: model)
        let row = pool.insert()
        var h = [Double](repeating: 0, count: exact.units)
        var c = h
        for step in 0..<10_000 {
            // Days of 24 hours that are never the same.
            let x = Float(1.5 * sin(Double(step) * 2 * .pi / 24) + 0.7 * sin(Double(step) * 0.377))
            pool.step(row, inputs: [x].span, index: 0)
            let expected = exact.step(Double(x), h: &h, c: &c)
            let answer = pool.outputs(of: row)[0]
            #expect(abs(Double(answer) - expected) <= 1e-5)
        }
    }

    @Test(arguments: Kernels.available.indices, [Activation.sigmoid, .tanh])
    func `sigmoid and tanh are within two and a half epsilon, and exact at their limits`(
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

/// LSTM → Dense(1, sigmoid) in double precision, written down from the equations.
private struct DoublePrecision {
    let units: Int
    private let lstm: LSTM
    private let dense: Dense

    init(_ model: Model) throws {
        lstm = try #require(model.layers.first as? LSTM)
        dense = try #require(model.layers.last as? Dense)
        units = lstm.units
    }

    func step(_ x: Double, h: inout [Double], c: inout [Double]) -> Double {
        let sigmoid = { (x: Double) in 1 / (1 + exp(-x)) }
        let weight = { (tensor: Tensor, row: Int, column: Int) in Double(tensor.values[row * tensor.shape[1] + column])
        }
        let gate = { (column: Int) -> Double in
            var sum = Double(lstm.bias?.values[column] ?? 0) + x * weight(lstm.kernel, 0, column)
            for j in 0..<units { sum += h[j] * weight(lstm.recurrentKernel, j, column) }
            return sum
        }
        let gates = (0..<(4 * units)).map(gate)
        for k in 0..<units {
            c[k] = sigmoid(gates[units + k]) * c[k] + sigmoid(gates[k]) * tanh(gates[2 * units + k])
            h[k] = sigmoid(gates[3 * units + k]) * tanh(c[k])
        }
        var logit = Double(dense.bias?.values[0] ?? 0)
        for k in 0..<units { logit += h[k] * weight(dense.kernel, k, 0) }
        return sigmoid(logit)
    }
}

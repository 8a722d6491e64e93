import Recurrent
import TestSupport
import Testing

/// Compares every set of kernels and every path through the engine with the equations in plain Swift.
@Suite struct `The reference step of a recurrent layer` {
    /// The allowed difference between float32 outputs and double precision.
    static let tolerance = 1e-5

    /// The kinds of recurrent layers, each with separate kernels and equations.
    enum Kind: CaseIterable { case lstm, gru, simpleRNN }

    /// The paths by which the engine can step a stream.
    enum Path: CaseIterable {
        /// One timestep of one stream at a time.
        case scalar
        /// All timesteps of one stream in one message, through the kernel for sequences.
        case sequence
        /// One timestep of many streams at a time.
        case batched
    }

    static let timesteps = 70
    /// Layer sizes, in units. Together, they exercise every way in which a layer's last units can be laid out in
    /// panels.
    static let sizes = [1, 2, 3, 8, 9, 10, 11, 16, 17, 26, 33, 64]

    @Test(arguments: Kernels.available.indices, Path.allCases)
    func `every path of the engine is near the reference in double precision`(set: Int, path: Path) throws {
        for kind in Kind.allCases {
            for units in Self.sizes {
                let layer = try Self.layer(kind, units: units)
                let inputs = Self.inputs(features: layer.features)
                let expected = Self.reference(layer, inputs, as: Double.self)
                // The engine uses the kernel for sequences only in front of stateless layers, so a Dense follows the
                // layer.
                let identity = try Tensor(
                    shape: [units, units], values: (0..<units * units).map { $0 % (units + 1) == 0 ? 1 : 0 })
                let dense = try Dense(units: units, activation: .linear, kernel: identity, bias: nil)
                let model = try Model(layers: [layer, dense], kernels: Kernels.available[set])
                let found = Self.outputs(of: model, inputs, by: path)
                for (step, (found, expected)) in zip(found, expected).enumerated() {
                    for (value, exact) in zip(found, expected) {
                        #expect(abs(Double(value) - exact) <= Self.tolerance, "\(kind)(\(units)), step \(step)")
                    }
                }
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `the reference in single precision is near the reference in double precision`(kind: Kind) throws {
        let layer = try Self.layer(kind, units: 10)
        let inputs = Self.inputs(features: layer.features)
        let exact = Self.reference(layer, inputs, as: Double.self)
        let found = Self.reference(layer, inputs, as: Float.self)
        for (found, exact) in zip(found.joined(), exact.joined()) {
            #expect(abs(Double(found) - exact) <= Self.tolerance)
        }
    }

    /// Returns the reference's h after each timestep, shape (timesteps, units).
    private static func reference<Scalar: ReferenceScalar>(
        _ layer: any RecurrentLayer, _ inputs: [[Float]], as: Scalar.Type
    ) -> [[Scalar]] {
        let inputs = inputs.map { $0.map { Scalar($0) } }
        switch layer {
        case let layer as LSTM:
            let lstm = ReferenceLSTM<Scalar>(layer)
            var timestep = ReferenceLSTM<Scalar>.Timestep(units: layer.units)
            return inputs.map { x in
                timestep = lstm.step(x, after: timestep)
                return timestep.h
            }
        case let layer as GRU:
            let gru = ReferenceGRU<Scalar>(layer)
            var timestep = ReferenceGRU<Scalar>.Timestep(units: layer.units)
            return inputs.map { x in
                timestep = gru.step(x, after: timestep)
                return timestep.h
            }
        case let layer as SimpleRNN:
            let rnn = ReferenceSimpleRNN<Scalar>(layer)
            var h = [Scalar](repeating: 0, count: layer.units)
            return inputs.map { x in
                h = rnn.step(x, after: h)
                return h
            }
        default: return []
        }
    }

    /// Returns the model's outputs after each timestep by the given path, shape (timesteps, outputs).
    private static func outputs(of model: Model, _ inputs: [[Float]], by path: Path) -> [[Float]] {
        switch path {
        case .scalar: return answers(of: model, to: inputs)
        case .sequence:
            let batch = FilledBatch(pool: StatePool(model: model))
            batch.add(batch.pool.insert(), Array(inputs.joined()), count: inputs.count)
            batch.run()
            return inputs.indices.map { batch.output(at: $0, of: 0) }
        case .batched:
            let batch = FilledBatch(pool: StatePool(model: model))
            let rows = (0..<model.kernels.lanes).map { _ in batch.pool.insert() }
            return inputs.map { x in
                batch.removeAll()
                for row in rows { batch.add(row, x, count: 1) }
                batch.run()
                return batch.output(at: 0, of: rows.count - 1)
            }
        }
    }

    private static func layer(_ kind: Kind, units: Int) throws -> any RecurrentLayer {
        var random = SplitMix64(seed: UInt64(units))
        func tensor(_ shape: [Int], _ size: Float) throws -> Tensor {
            try Tensor(
                shape: shape,
                values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -size...size, using: &random) })
        }
        let features = 1 + units % 3
        let size = 1 / Float(units).squareRoot()
        switch kind {
        case .lstm:
            return try LSTM(
                units: units, kernel: tensor([features, 4 * units], 1),
                recurrentKernel: tensor([units, 4 * units], size), bias: tensor([4 * units], 1))
        case .gru:
            return try GRU(
                units: units, kernel: tensor([features, 3 * units], 1),
                recurrentKernel: tensor([units, 3 * units], size), bias: tensor([2, 3 * units], 1))
        case .simpleRNN:
            return try SimpleRNN(
                units: units, kernel: tensor([features, units], 1), recurrentKernel: tensor([units, units], size),
                bias: tensor([units], 1))
        }
    }

    private static func inputs(features: Int) -> [[Float]] {
        var random = SplitMix64(seed: 7)
        return (0..<timesteps).map { _ in (0..<features).map { _ in Float.random(in: -2...2, using: &random) } }
    }
}

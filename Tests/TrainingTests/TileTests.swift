import Recurrent
import TestSupport
import Testing
import Training

/// Compares the training kernels in every set of vector instructions with plain loops in double precision.
@Suite struct `The kernels for training` {
    static let units = [1, 2, 3, 4, 5, 8, 10, 17]

    @Test(arguments: Kernels.available.indices, [0..<18, 4..<5])
    func `training with any set of vector instructions agrees with training in double precision`(
        set: Int, sequences: Range<Int>
    ) throws {
        // A single sequence is computed in wider blocks of columns, so it needs a test with more units.
        for units in sequences.count == 1 ? Self.units + [33] : Self.units {
            var random = RandomLayers(seed: UInt64(units))
            let features = 1 + units % 5
            let model = try Model(layers: [
                random.lstm(features, units), random.gru(units, units), random.rnn(units, units),
                random.dense(units, 1, .sigmoid),
            ])
            var data = TrainingSet(features: features)
            for index in 0..<18 { data.append(inputs: random.values(6 * features), labels: [Float(index % 2)]) }
            var configuration = TrainingConfiguration(loss: Loss(.binaryCrossentropy))
            let fast = try Trainer(model, configuration, kernels: Kernels.available[set])
            configuration.precision = .double
            let exact = try Trainer(model, configuration)
            let batch = Batch(data, sequences)
            #expect(abs(fast.train(batch).loss - exact.train(batch).loss) <= 1e-6)
            for (found, expected) in zip(fast.gradients, exact.gradients) {
                #expect(largestDifference(found, expected) <= 2e-6, "\(units) units")
            }
            for _ in 0..<3 {
                fast.train(batch)
                exact.train(batch)
            }
            #expect(largestDifference(Array(fast.weights.joined()), Array(exact.weights.joined())) <= 1e-5)
        }
    }

    /// A batch of one sequence is computed in a single lane; the batch of copies is computed side by side.
    @Test(arguments: Kernels.available.indices)
    func `a sequence alone trains like many copies of it`(set: Int) throws {
        for layers in try Self.stacks() {
            var random = RandomLayers(seed: 7)
            let model = try Model(layers: layers)
            var data = TrainingSet(features: model.features)
            data.append(
                inputs: model.vocabulary.map { vocabulary in (0..<9).map { Float($0 * 5 % 7 % vocabulary) } }
                    ?? random.values(9 * model.features), labels: [1], weight: 1.5)
            var configuration = TrainingConfiguration(loss: Loss(.binaryCrossentropy))
            configuration.isStateful = true
            let alone = try Trainer(model, configuration, kernels: Kernels.available[set])
            let together = try Trainer(model, configuration, kernels: Kernels.available[set])
            let copies = Array(repeating: 0, count: Tile.lanes)
            for chunk in [0..<4, 4..<5, 5..<9] {
                let found = alone.train(Batch(data, [0], timesteps: chunk), wantsPredictions: true)
                let expected = together.train(Batch(data, copies, timesteps: chunk), wantsPredictions: true)
                #expect(abs(found.loss - expected.loss) <= 1e-6)
                #expect(largestDifference(found.predictions[0], expected.predictions[5]) <= 1e-6)
                for (found, expected) in zip(alone.gradients, together.gradients) {
                    #expect(largestDifference(found, expected) <= 2e-6, "\(layers.map(\.architecture))")
                }
                #expect(largestDifference(alone.states.first ?? [], together.states.first ?? []) <= 2e-6)
                together.weights = alone.weights
            }
        }
    }

    private static func stacks() throws -> [[any Layer]] {
        var random = RandomLayers(seed: 6)
        let both = try Bidirectional(
            forward: random.lstm(3, 5), backward: random.gru(3, 5), merge: .concat, returnsSequences: true)
        return [
            [try random.lstm(2, 10), try random.dense(10, 1, .sigmoid)],
            [
                try random.dense(2, 3, .softmax), both, try random.layerNormalization(10),
                try random.lstm(10, 3, .softsign, .hardSigmoid), try random.gru(3, 2, .elu, resetsAfter: false),
                try random.dense(2, 1, .sigmoid),
            ],
            [
                try Masking(units: 2, value: 0), try random.rescaling(2), try random.gru(2, 17),
                try GlobalAveragePooling(units: 17), try random.dense(17, 1, .sigmoid),
            ],
            [
                try random.embedding(4, 6, masksZero: true), try random.lstm(6, 3), try random.rnn(3, 4, .gelu),
                try random.dense(4, 1, .sigmoid),
            ],
            [
                try random.embedding(9, 6, masksZero: true), try random.lstm(6, 3, masked: .zeros),
                try GlobalMaxPooling(units: 3), try random.dense(3, 1, .sigmoid),
            ],
        ]
    }

    @Test func `every number of threads gives the same bits`() throws {
        var random = RandomLayers(seed: 1)
        let model = try Model(layers: [random.lstm(2, 10), random.dense(10, 1, .sigmoid)])
        var set = TrainingSet(features: 2)
        for index in 0..<100 { set.append(inputs: random.values(2 * (3 + index % 4)), labels: [Float(index % 2)]) }
        let results = try [1, 2, 5].map { jobs in
            var configuration = TrainingConfiguration(loss: Loss(.binaryCrossentropy))
            configuration.jobs = jobs
            configuration.dropouts = [.init(before: 1, rate: 0.2)]
            let trainer = try Trainer(model, configuration)
            let result = try trainer.fit(set, FitOptions(epochs: 3, batchSize: 80))
            return trainer.weights.joined().map(\.bitPattern) + [Float(result.epochs[2].training.loss).bitPattern]
        }
        #expect(results[1] == results[0] && results[2] == results[0])
    }
}

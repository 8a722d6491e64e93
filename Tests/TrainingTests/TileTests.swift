import Recurrent
import TestSupport
import Testing
import Training

/// Compares the training kernels in every set of vector instructions with plain loops in double precision.
@Suite struct `The kernels for training` {
    static let units = [1, 2, 3, 4, 5, 8, 10, 17]

    @Test(arguments: Kernels.available.indices)
    func `a training with any set of vector instructions is near one in double precision`(set: Int) throws {
        for units in Self.units {
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
            let batch = Batch(data, 0..<data.count)
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

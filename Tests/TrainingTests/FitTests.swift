import Recurrent
import TestSupport
import Testing
import Training

@Suite struct `A fit` {
    private static let configuration = TrainingConfiguration(loss: Loss(.binaryCrossentropy))

    private static func model() throws -> Model {
        var random = RandomLayers(seed: 1)
        return try Model(layers: [random.lstm(2, 5), random.dense(5, 1, .sigmoid)])
    }

    private static func set(_ count: Int = 40, label: (Int) -> Float = { Float($0 % 2) }) -> TrainingSet {
        var random = RandomLayers(seed: 2)
        var set = TrainingSet(features: 2)
        for index in 0..<count { set.append(inputs: random.values(2 * (2 + index % 3)), labels: [label(index)]) }
        return set
    }

    @Test func `a callback can end a fit after any batch`() throws {
        let trainer = try Trainer(Self.model(), Self.configuration)
        var options = FitOptions(epochs: 3, batchSize: 16)
        options.shuffles = false
        var sequences: [Int] = []
        let result = try trainer.fit(
            Self.set(), options,
            onBatch: { progress in
                sequences.append(progress.sequences)
                return progress.epoch < 2
            })
        #expect(result.end == .cancelled && result.epochs.count == 1)
        #expect(sequences == [16, 32, 40, 16])
        #expect(trainer.optimizerState.updates == 4)
    }

    @Test func `an epoch is complete if a callback ends the fit after the epoch's last batch`() throws {
        let trainer = try Trainer(Self.model(), Self.configuration)
        let result = try trainer.fit(
            Self.set(), FitOptions(epochs: 3, batchSize: 16), onBatch: { $0.sequences < $0.allSequences })
        #expect(result.end == .cancelled && result.epochs.map(\.epoch) == [1])
        #expect(trainer.optimizerState.updates == 3)
    }

    @Test func `a fit that continues from the optimizer's state gives the same bits`() throws {
        let whole = try Trainer(Self.model(), Self.configuration)
        _ = try whole.fit(Self.set(), FitOptions(epochs: 6))
        let first = try Trainer(Self.model(), Self.configuration)
        _ = try first.fit(Self.set(), FitOptions(epochs: 4))
        let second = try Trainer(first.makeModel(), Self.configuration)
        second.optimizerState = first.optimizerState
        var options = FitOptions(epochs: 6)
        options.initialEpoch = 4
        _ = try second.fit(Self.set(), options)
        #expect(second.weights == whole.weights)
        #expect(second.optimizerState == whole.optimizerState)
    }

    @Test func `the seed of a fit determines the order of the sequences`() throws {
        let weights = try [1, 1, 2].map { (seed: UInt64) in
            let trainer = try Trainer(Self.model(), Self.configuration)
            var options = FitOptions(epochs: 2, batchSize: 8)
            options.seed = seed
            _ = try trainer.fit(Self.set(), options)
            return trainer.weights
        }
        #expect(weights[0] == weights[1] && weights[0] != weights[2])
    }

    @Test func `a loss that is not finite ends the fit, and the previous weights are kept`() throws {
        var configuration = TrainingConfiguration(loss: Loss(.meanSquaredError))
        configuration.optimizer = Optimizer(.sgd(), learningRate: .constant(1e30))
        var random = RandomLayers(seed: 1)
        let trainer = try Trainer(Model(layers: [random.lstm(2, 5), random.dense(5, 1)]), configuration)
        let result = try trainer.fit(Self.set(), FitOptions(epochs: 9))
        #expect(result.end == .notFinite)
        #expect(trainer.weights.joined().allSatisfy { $0.isFinite })
    }

    @Test func `a frozen layer keeps its weights`() throws {
        var configuration = Self.configuration
        configuration.frozenLayers = [0]
        let trainer = try Trainer(Self.model(), configuration)
        let before = trainer.weights
        _ = try trainer.fit(Self.set(), FitOptions(epochs: 2))
        #expect(Array(trainer.weights.prefix(3)) == Array(before.prefix(3)))
        #expect(Array(trainer.weights.suffix(2)) != Array(before.suffix(2)))
        #expect(trainer.trainedShapes == [[5, 1], [1]])
    }

    @Test func `sequences without a label change the state but do not train the weights`() throws {
        var configuration = Self.configuration
        configuration.isStateful = true
        let trainer = try Trainer(Self.model(), configuration)
        let before = trainer.weights
        let result = trainer.train(Batch(Self.set { _ in .nan }, 0..<3))
        #expect(result.labelled == 0 && trainer.weights == before && trainer.optimizerState.updates == 0)
        #expect(trainer.states.count == 3 && trainer.states.joined().allSatisfy { $0 != 0 })
    }

    @Test func `the trained model gives the trainer's predictions, even for sequences of different lengths`() throws {
        var random = RandomLayers(seed: 3)
        let model = try Model(layers: [
            random.dense(2, 3, .tanh), random.lstm(3, 4), random.gru(4, 3), random.rnn(3, 3),
            random.layerNormalization(3), random.dense(3, 2, .softmax),
        ])
        let trainer = try Trainer(model, TrainingConfiguration(loss: Loss(.sparseCategoricalCrossentropy)))
        let set = Self.set()
        _ = try trainer.fit(set, FitOptions(epochs: 3))
        let pool = StatePool(model: try trainer.makeModel())
        let predictions = trainer.predict(Batch(set, 0..<set.count)).predictions
        var inputs = RandomLayers(seed: 2)
        for (index, prediction) in predictions.enumerated() {
            let row = pool.insert()
            for _ in 0..<2 + index % 3 { pool.step(row, inputs: inputs.values(2).span, index: 0) }
            let outputs = pool.outputs(of: row)
            #expect(largestDifference(prediction, outputs.indices.map { outputs[$0] }) <= 1e-6)
        }
    }

    @Test func `a training set that does not match the model is refused`() throws {
        let trainer = try Trainer(Self.model(), Self.configuration)
        let before = trainer.weights
        var wide = TrainingSet(features: 3)
        wide.append(inputs: [1, 2, 3], labels: [0])
        var targets = TrainingSet(features: 2, targets: 2)
        targets.append(inputs: [1, 2], labels: [0, 1])
        let sets = [
            (TrainingSet(features: 2), "there is no sequence"),
            (wide, "the data have 3 values a timestep, but the model takes 2"),
            (targets, "a label has 2 values, but binary_crossentropy of 1 outputs needs 1"),
            (Self.set { _ in 2 }, "the label 2.0 is not in 0 to 1"),
        ]
        for (set, message) in sets {
            let error = #expect(throws: TrainingError.self) { try trainer.fit(set, FitOptions()) }
            #expect(error?.code == .data && error?.context == message)
        }
        #expect(trainer.weights == before)
    }

    @Test func `an option outside its range is refused`() throws {
        let choices: [(String, (inout TrainingConfiguration) -> Void)] = [
            ("the learning rate is -1.0, expected at least 0", { $0.optimizer.learningRate = .constant(-1) }),
            ("the limit of gradients is 0.0, expected above 0", { $0.optimizer.clipping = .globalNorm(0) }),
            ("the momentum is 2.0, expected 0 to 1", { $0.optimizer.method = .sgd(momentum: 2) }),
            ("the number of jobs is 0, expected at least 1", { $0.jobs = 0 }),
            ("the weight of class 1 is -2.0, expected at least 0", { $0.classWeights = [1: -2] }),
            ("a dropout has the rate 1.0, expected 0 to below 1", { $0.dropouts = [.init(before: 1, rate: 1)] }),
        ]
        for (message, change) in choices {
            var configuration = Self.configuration
            change(&configuration)
            let error = #expect(throws: TrainingError.self) { try Trainer(Self.model(), configuration) }
            #expect(error?.code == .option && error?.context == message)
        }
    }

    @Test func `SGD with momentum and Nesterov's step moves a weight as in Keras`() throws {
        // With one weight w, the input 1 and the target 0, the loss is w² and its gradient is 2 w.
        let model = try Model(layers: [
            Dense(units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]), bias: nil)
        ])
        var set = TrainingSet(features: 1)
        set.append(inputs: [1], labels: [0])
        for isNesterov in [false, true] {
            var configuration = TrainingConfiguration(loss: Loss(.meanSquaredError))
            configuration.optimizer = Optimizer(
                .sgd(momentum: 0.5, isNesterov: isNesterov), learningRate: .constant(0.125))
            let trainer = try Trainer(model, configuration)
            for _ in 0..<2 { trainer.train(Batch(set, [0])) }
            // The update is v = 0.5 v − 0.125 g and then w += v, or w += 0.5 v − 0.125 g with Nesterov's step.
            #expect(trainer.weights == [[isNesterov ? 0.328125 : 0.4375]])
        }
    }

    /// The examples from <https://keras.io/api/metrics/>.
    @Test func `the metrics of a fit equal Keras' metrics`() throws {
        let model = try Model(layers: [
            Dense(units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]), bias: nil)
        ])
        var configuration = Self.configuration
        configuration.measuresCurve = true
        let trainer = try Trainer(model, configuration)
        func tally(_ predictions: [Float], _ labels: [Float]) -> MetricTally {
            var set = TrainingSet(features: 1)
            for (prediction, label) in zip(predictions, labels) { set.append(inputs: [prediction], labels: [label]) }
            return trainer.evaluate(set).tally
        }
        #expect(tally([0, 0.5, 0.3, 0.9], [0, 0, 1, 1]).areaUnderCurve == 0.75)
        #expect(tally([1, 0, 1, 1], [0, 1, 1, 1]).precision == 2.0 / 3)
        #expect(tally([1, 0, 1, 1], [0, 1, 1, 1]).recall == 2.0 / 3)
        #expect(tally([0.98, 1, 0, 0.6], [1, 1, 0, 0]).accuracy == 0.75)
    }
}

import Recurrent
import TestSupport
import Testing
import Training

/// Compares gradients with finite differences of the loss, in double precision.
@Suite struct `A gradient` {
    /// The allowed difference. For gradients above 1, it is relative to the gradient.
    static let tolerance = 1e-7

    /// One or more layers under test.
    struct Some: Sendable {
        let name: String
        let make: @Sendable (inout RandomLayers) throws -> [any Layer]

        init(_ name: String, _ make: @escaping @Sendable (inout RandomLayers) throws -> [any Layer]) {
            self.name = name
            self.make = make
        }
    }

    /// The layers under test, which stand between two Dense layers. The first Dense layer needs the gradient of their
    /// input.
    static let layers: [Some] =
        [
            Some("LSTM") { [try $0.lstm(3, 4)] },
            Some("LSTM with other activations") { [try $0.lstm(3, 2, .softsign, .hardSigmoid)] },
            Some("GRU") { [try $0.gru(3, 4)] },
            Some("GRU with other activations") { [try $0.gru(3, 2, .elu, .softplus)] },
            Some("GRU that resets before") { [try $0.gru(3, 4, resetsAfter: false)] },
            Some("SimpleRNN") { [try $0.rnn(3, 4)] },
            Some("SimpleRNN with another activation") { [try $0.rnn(3, 2, .gelu)] },
            Some("stack") { [try $0.lstm(3, 2), try $0.gru(2, 3), try $0.rnn(3, 2)] },
            Some("backwards") { [Backwards(try $0.lstm(3, 2)), try $0.gru(2, 2)] },
            Some("average") { [try $0.lstm(3, 2), try GlobalAveragePooling(units: 2)] },
            Some("maximum") { [try $0.lstm(3, 2), try GlobalMaxPooling(units: 2)] },
            Some("LayerNormalization") { [try $0.layerNormalization(3), try $0.lstm(3, 2)] },
            Some("LayerNormalization of the last output") { [try $0.lstm(3, 4), try $0.layerNormalization(4)] },
            Some("factors") { [try $0.rescaling(3), try $0.lstm(3, 2)] },
            Some("rectifier") { [try Rectifier(units: 3, negativeSlope: 0.1, maximum: 0.7), try $0.lstm(3, 2)] },
            Some("exponential unit") { [try ExponentialUnit(units: 3, alpha: 0.5), try $0.lstm(3, 2)] },
            Some("softmax layer") { [try ActivationLayer(units: 3, activation: .softmax), try $0.lstm(3, 2)] },
            Some("Masking") { [try Masking(units: 3, value: 0), try $0.lstm(3, 2)] },
        ] + bidirectional + activations

    private static let bidirectional: [Some] =
        Bidirectional.Merge.allCases.flatMap { merge in
            [true, false].map { returnsSequences in
                Some("Bidirectional \(merge) \(returnsSequences)") { random in
                    let both = try Bidirectional(
                        forward: random.lstm(3, 2), backward: random.gru(3, 2), merge: merge,
                        returnsSequences: returnsSequences)
                    return [both] + (returnsSequences ? [try random.rnn(both.units, 2)] : [])
                }
            }
        }

    private static let activations: [Some] =
        Activation.named.map { activation in
            Some("Dense with \(activation)") { [try $0.dense(3, 3, activation), try $0.lstm(3, 2)] }
        }

    @Test(arguments: layers.indices)
    func `the gradient through a layer agrees with finite differences`(index: Int) throws {
        let some = Self.layers[index]
        var random = RandomLayers(seed: UInt64(100 + index))
        let below = try random.dense(2, 3)
        let layers = try some.make(&random)
        let model = try Model(
            layers: [below] + layers + [random.dense(layers.last?.units ?? 0, 2, .sigmoid)], kernels: .best)
        let set = Self.set(&random, features: 2, targets: [0.25, 1])
        try expectGradient(of: model, TrainingConfiguration(loss: Loss(.binaryCrossentropy)), set, some.name)
    }

    static let losses: [(loss: Loss, activation: Activation, targets: [Float])] = [
        (Loss(.binaryCrossentropy), .sigmoid, [1, 0, 0.5]),
        (Loss(.binaryCrossentropy, labelSmoothing: 0.2), .sigmoid, [1, 0, 1]),
        (Loss(.binaryCrossentropy), .hardSigmoid, [1, 0, 1]),
        (Loss(.binaryCrossentropy, fromLogits: true), .linear, [1, 0, 1]),
        (Loss(.categoricalCrossentropy), .softmax, [0, 1, 0]),
        (Loss(.categoricalCrossentropy, labelSmoothing: 0.1), .softmax, [0, 1, 0]),
        (Loss(.categoricalCrossentropy, fromLogits: true), .linear, [0.5, 0.25, 0.25]),
        (Loss(.categoricalCrossentropy), .sigmoid, [0, 1, 0]),
        (Loss(.sparseCategoricalCrossentropy), .softmax, [2]),
        (Loss(.sparseCategoricalCrossentropy, fromLogits: true), .linear, [1]),
        (Loss(.sparseCategoricalCrossentropy), .sigmoid, [2]),
        (Loss(.meanSquaredError), .linear, [1.5, -2, 0]),
        (Loss(.meanSquaredError), .sigmoid, [1, 0, 0.5]),
    ]

    @Test(arguments: losses.indices, [TrainingConfiguration.Outputs.last, .everyTimestep])
    func `the gradient of a loss agrees with finite differences`(
        index: Int, outputs: TrainingConfiguration.Outputs
    ) throws {
        let (loss, activation, targets) = Self.losses[index]
        var random = RandomLayers(seed: UInt64(index))
        let model = try Model(layers: [random.lstm(2, 3), random.dense(3, 3, activation)])
        let set = Self.set(&random, features: 2, targets: targets)
        try expectGradient(
            of: model, TrainingConfiguration(loss: loss, outputs: outputs), set, "\(loss) of \(activation)")
    }

    /// The vocabulary of 4 tokens is larger or smaller than the width, and the trainer treats the two cases differently.
    @Test(arguments: [MaskedOutput.lastOutput, .zeros], [2, 5])
    func `the gradient of masked tokens agrees with finite differences`(masked: MaskedOutput, width: Int) throws {
        for outputs in [TrainingConfiguration.Outputs.last, .everyTimestep] {
            var random = RandomLayers(seed: 3)
            let model = try Model(layers: [
                random.embedding(4, width, masksZero: true), random.lstm(width, 2, masked: masked), random.gru(2, 2),
                random.dense(2, 1, .sigmoid),
            ])
            var set = TrainingSet(features: 1)
            for tokens in [[1, 2, 0, 3, 0], [0, 0, 1, 1, 2], [3, 0, 2]] as [[Float]] {
                set.append(inputs: tokens, labels: [1], weight: 1 + tokens[0])
            }
            try expectGradient(
                of: model, TrainingConfiguration(loss: Loss(.binaryCrossentropy), outputs: outputs), set, "tokens")
        }
    }

    @Test(arguments: [3, 20])
    func `the gradient of tokens in both directions agrees with finite differences`(vocabulary: Int) throws {
        var random = RandomLayers(seed: 4)
        let both = try Bidirectional(
            forward: random.lstm(24, 1), backward: random.gru(24, 1), merge: .concat, returnsSequences: false)
        let model = try Model(layers: [random.embedding(vocabulary, 24), both, random.dense(2, 1, .sigmoid)])
        var set = TrainingSet(features: 1)
        for tokens in [[1, 2, 0, 2], [Float(vocabulary) - 1, 1]] { set.append(inputs: tokens, labels: [1]) }
        try expectGradient(of: model, TrainingConfiguration(loss: Loss(.binaryCrossentropy)), set, "\(vocabulary)")
    }

    @Test func `the gradient with dropout, class weights and a carried state agrees with finite differences`() throws {
        var random = RandomLayers(seed: 5)
        let model = try Model(layers: [random.lstm(2, 3), random.gru(3, 2), random.dense(2, 1, .sigmoid)])
        var configuration = TrainingConfiguration(loss: Loss(.binaryCrossentropy))
        configuration.dropouts = [.init(before: 0, rate: 0.25), .init(before: 2, rate: 0.5)]
        configuration.classWeights = [1: 3]
        configuration.isStateful = true
        let set = Self.set(&random, features: 2, targets: [1])
        let states = (0..<set.count).map { _ in random.values(model.stateSize) }
        try expectGradient(of: model, configuration, set, "dropout", states: states)
    }

    /// Returns three sequences of different lengths and weights.
    private static func set(_ random: inout RandomLayers, features: Int, targets: [Float]) -> TrainingSet {
        var set = TrainingSet(features: features, targets: targets.count)
        for (index, steps) in [4, 1, 3].enumerated() {
            set.append(inputs: random.values(steps * features), labels: targets, weight: Float(index + 1) / 2)
        }
        return set
    }

    /// Compares gradients with finite differences: once for all sequences together, and once for only the first one.
    private func expectGradient(
        of model: Model, _ configuration: TrainingConfiguration, _ set: TrainingSet, _ name: String,
        states: [[Float]] = []
    ) throws {
        try expectGradient(of: model, configuration, Batch(set, 0..<set.count), name, states: states)
        try expectGradient(
            of: model, configuration, Batch(set, [0]), "\(name) alone", states: Array(states.prefix(1)))
    }

    /// Compares the gradient of each weight with a difference quotient of the loss at four points around the weight.
    ///
    ///     f′(w) ≈ (8 (f(w + h) − f(w − h)) − (f(w + 2h) − f(w − 2h))) / 12h
    private func expectGradient(
        of model: Model, _ configuration: TrainingConfiguration, _ batch: Batch, _ name: String, states: [[Float]]
    ) throws {
        var configuration = configuration
        configuration.precision = .double
        configuration.optimizer = Optimizer(.sgd(), learningRate: .constant(0))
        /// Trains with a new trainer, so that each call uses the same random numbers.
        func train(_ weights: [[Float]]?) throws -> (trainer: Trainer, loss: Double) {
            let trainer = try Trainer(model, configuration)
            trainer.states = states
            if let weights { trainer.weights = weights }
            return (trainer, trainer.train(batch).loss)
        }
        let (trainer, _) = try train(nil)
        let (weights, step) = (trainer.weights, Float(1) / 65536)
        for (tensor, gradient) in trainer.gradients.enumerated() {
            for index in gradient.indices {
                let losses = try [1, -1, 2, -2].map { (steps: Float) in
                    var changed = weights
                    changed[tensor][index] += steps * step
                    return try train(changed).loss
                }
                let slope = (8 * (losses[0] - losses[1]) - (losses[2] - losses[3])) / (12 * Double(step))
                let distance = abs(slope - gradient[index]) / max(1, abs(slope))
                #expect(distance <= Self.tolerance, "\(name), tensor \(tensor), value \(index): \(slope)")
            }
        }
    }
}

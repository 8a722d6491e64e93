import ModelFiles
import Recurrent
import TestSupport
import Testing
import Training

/// Compares training runs with Keras' runs, in which TensorFlow trained the same weights on the same data.
@Suite struct `The training runs of Keras` {
    /// The allowed difference between a gradient and Keras' gradient in float64.
    static let gradientTolerance = 1e-6

    /// The cases that were trained with Keras' `fit`.
    static let fits = [
        "model1", "model3", "model4", "model5", "gru", "rnn", "stacked", "average", "maximum", "masked", "softmax",
        "clipnorm", "clipvalue", "class_weight", "sample_weight", "decay", "plateau",
    ]

    /// The cases of stateful models.
    static let stateful = [
        "model2", "endless", "chunks", "every", "last", "streams", "change", "online", "online_late",
    ]

    @Test(arguments: fits + stateful + ["resume"])
    func `every gradient of the first batch equals Keras' gradient`(name: String) throws {
        let keras = try KerasTraining(name)
        var configuration = try keras.configuration()
        configuration.optimizer = Optimizer(.sgd(), learningRate: .constant(0))
        let trainer = try Trainer(keras.file.model, configuration)
        let first = keras.run.firstBatch
        let result = trainer.train(Batch(keras.set, 0..<first.sequences, timesteps: 0..<first.timesteps))
        #expect(abs(result.loss - first.lossFloat64) <= Self.gradientTolerance)
        for (weight, gradient) in zip(keras.file.weightNames, trainer.gradients) {
            let distance = largestDifference(gradient, keras.tensors.values("gradient/\(weight)"))
            #expect(distance <= Self.gradientTolerance, "\(weight)")
        }
    }

    @Test(arguments: fits)
    func `a fit has Keras' history and final weights`(name: String) throws {
        let keras = try KerasTraining(name)
        let trainer = try Trainer(keras.file.model, keras.configuration())
        let (options, set) = keras.run.options(keras.set)
        let result = try trainer.fit(set, options)
        let expected = keras.run.tensorflowFloat64
        #expect(largestDifference(result.epochs.map(\.training.loss), expected.loss) <= keras.run.tolerance("loss"))
        #expect(largestDifference(result.epochs.map(\.training.accuracy), expected.accuracy) <= 1e-6)
        if let losses = expected.valLoss {
            let found = result.epochs.compactMap(\.validation)
            #expect(largestDifference(found.map(\.loss), losses) <= keras.run.tolerance("val_loss"))
            #expect(largestDifference(found.map(\.accuracy), expected.valAccuracy) <= 1e-6)
        }
        if let rates = expected.learningRate {
            #expect(largestDifference(result.epochs.map(\.learningRate), rates) <= 1e-8)
        }
        try keras.expectEnd(of: trainer)
    }

    @Test func `a fit continues from the optimizer's state in Keras' file`() throws {
        let keras = try KerasTraining("resume")
        let trainer = try Trainer(keras.file.model, keras.configuration())
        let variables = try #require(try TrainingCase.document("resume").optimizer)
        let slots = try #require(variables.slots(2, ofShapes: trainer.trainedShapes))
        trainer.optimizerState = OptimizerState(updates: variables.updates, slots: slots.map { $0.map(\.values) })
        let (options, set) = keras.run.options(keras.set)
        let result = try trainer.fit(set, options)
        let expected = keras.run.tensorflowFloat64
        #expect(result.epochs.first?.epoch == 11)
        #expect(largestDifference(result.epochs.map(\.training.loss), expected.loss) <= keras.run.tolerance("loss"))
        #expect(largestDifference(result.epochs.map(\.training.accuracy), expected.accuracy) <= 1e-6)
        try keras.expectEnd(of: trainer)
    }

    @Test(arguments: ["model2", "chunks", "every", "streams", "endless"])
    func `a stateful fit has Keras' losses, states and final weights`(name: String) throws {
        let keras = try KerasTraining(name)
        let trainer = try Trainer(keras.file.model, keras.configuration())
        var (options, set) = keras.run.options(keras.set)
        options.chunk = keras.run.firstBatch.timesteps
        // Keras' `fit` never resets the states. The other cases reset them before each sequence.
        options.resetsStates = name != "endless"
        var losses: [Double] = []
        let result = try trainer.fit(
            set, options,
            onBatch: { progress in
                losses.append(progress.batch.loss)
                return true
            })
        let expected = keras.run.tensorflowFloat64
        #expect(largestDifference(result.epochs.map(\.training.loss), expected.loss) <= keras.run.tolerance("loss"))
        #expect(largestDifference(result.epochs.map(\.training.accuracy), expected.accuracy) <= 1e-6)
        if let steps = expected.firstSteps {
            #expect(largestDifference(Array(losses.prefix(steps.count)), steps) <= keras.run.tolerance("loss"))
        }
        keras.expect(trainer.states, near: expected.state)
        try keras.expectEnd(of: trainer)
    }

    @Test func `training on each day's last hour starts from the state that predictions left`() throws {
        let keras = try KerasTraining("last")
        let trainer = try Trainer(keras.file.model, keras.configuration())
        var losses: [Double] = []
        for _ in 0..<keras.run.epochs {
            var epoch = BatchResult()
            for day in 0..<keras.set.count {
                trainer.resetStates()
                for hour in 0..<23 { _ = trainer.predict(Batch(keras.set, [day], timesteps: hour..<hour + 1)) }
                epoch.add(trainer.train(Batch(keras.set, [day], timesteps: 23..<24)))
            }
            losses.append(epoch.loss)
        }
        let expected = keras.run.tensorflowFloat64
        #expect(largestDifference(losses, expected.loss) <= keras.run.tolerance("loss"))
        keras.expect(trainer.states, near: expected.state)
        try keras.expectEnd(of: trainer)
    }

    @Test func `training can continue after a change of the weights, the input or the state`() throws {
        let keras = try KerasTraining("change")
        let trainer = try Trainer(keras.file.model, keras.configuration())
        var parts = keras.run.tensorflowFloat64.parts?[...] ?? []
        func run(_ days: Range<Int>, of set: TrainingSet, trains: Bool = true) throws {
            let part = try #require(parts.first)
            parts.removeFirst()
            let hours = days.flatMap { day in (0..<24).map { Batch(set, [day], timesteps: $0..<$0 + 1) } }
            if trains {
                let losses = hours.map { trainer.train($0).loss }
                #expect(largestDifference(losses, part.losses) <= keras.run.tolerance("losses"))
            } else {
                let predictions = hours.flatMap { trainer.predict($0).predictions.joined() }
                #expect(largestDifference(predictions, part.probabilities) <= keras.run.tolerance("losses"))
            }
            keras.expect(trainer.states, near: part.state)
        }
        try run(0..<2, of: keras.set)
        let kept = trainer.states
        try run(2..<3, of: keras.set, trains: false)
        trainer.weights[1] = trainer.weights[1].map { $0 / 2 }
        try run(3..<4, of: keras.set)
        try run(4..<5, of: keras.set.mapInputs { 0.5 * $0 + 0.25 })
        trainer.states = kept
        try run(3..<4, of: keras.set)
        #expect(parts.isEmpty)
        try keras.expectEnd(of: trainer)
    }

    @Test(arguments: ["online", "online_late"])
    func `a model that learns from late labels while it serves has Keras' probabilities`(name: String) throws {
        let keras = try KerasTraining(name)
        let options = try #require(keras.run.tensorflowFloat64.online)
        let served = try Trainer(keras.file.model, keras.configuration())
        let learner = try Trainer(keras.file.model, keras.configuration())
        var (updates, probabilities): (Int, [Double]) = (0, [])
        var waiting: [(batch: Batch, state: [[Float]])] = []
        for day in 0..<keras.set.count {
            served.resetStates()
            var states: [[[Float]]] = []
            for hour in 0..<24 {
                states.append(served.states.isEmpty ? [Array(repeating: 0, count: 20)] : served.states)
                let result = served.predict(Batch(keras.set, [day], timesteps: hour..<hour + 1))
                probabilities += result.predictions.joined().map(Double.init)
                let first = max(0, hour + 1 - options.window)
                waiting.append((Batch(keras.set, [day], timesteps: first..<hour + 1), states[first]))
                guard waiting.count > options.delay else { continue }
                let next = waiting.removeFirst()
                learner.states = next.state
                learner.train(next.batch)
                updates += 1
                if updates.isMultiple(of: options.swap) { served.weights = learner.weights }
            }
        }
        let expected = keras.run.tensorflowFloat64
        let tolerance = keras.run.tolerance("prequential_loss")
        #expect(largestDifference(probabilities, expected.probabilities) <= tolerance)
        #expect(updates == expected.updates)
        try keras.expectEnd(of: learner)
    }
}

/// One training case and its files.
private struct KerasTraining {
    let name: String
    let run: TrainingCase
    let file: ModelFile
    let set: TrainingSet
    let tensors: FixtureTensors

    init(_ name: String) throws {
        self.name = name
        run = try TrainingCase.read(name)
        file = try TrainingCase.model(name)
        set = try run.trainingSet()
        tensors = try TrainingCase.tensors(name)
    }

    func configuration() throws -> TrainingConfiguration {
        var configuration = try run.configuration(outputs: name == "every" ? .everyTimestep : .last)
        configuration.isStateful = file.isStateful
        return configuration
    }

    func expect(_ states: [[Float]], near expected: [[Float]]?) {
        let distance = largestDifference(Array(states.joined()), expected.map { Array($0.joined()) })
        #expect(distance <= run.tolerance("final"), "the states of \(name)")
    }

    /// Compares the weights after the training, and the answers to held-out sequences, with Keras' results.
    func expectEnd(of trainer: Trainer) throws {
        for (weight, values) in zip(file.weightNames, trainer.weights) {
            let distance = largestDifference(values, tensors.values("final_float64/\(weight)"))
            #expect(distance <= run.tolerance("final"), "\(weight)")
        }
        guard let expected = run.tensorflowFloat64.evaluate else { return }
        let evaluation = trainer.evaluate(try run.testSet(), batchSize: 256)
        #expect(abs(evaluation.loss - expected.loss) <= run.tolerance("loss"))
        #expect(abs(evaluation.accuracy - expected.accuracy) <= 1e-6)
    }
}

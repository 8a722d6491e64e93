import ModelFiles
import Recurrent
import TestSupport
import Testing
import Training

/// Compares trainings with Keras' own, in which TensorFlow trained the same weights on the same data.
@Suite struct `The trainings of Keras` {
    /// The allowed distance of a gradient from float64.
    static let gradientTolerance = 1e-6

    static let fits = ["model1"]

    @Test(arguments: fits)
    func `every gradient of the first batch is Keras'`(name: String) throws {
        let run = try TrainingCase.read(name)
        let file = try TrainingCase.model(name)
        var configuration = try run.configuration()
        configuration.optimizer = Optimizer(.sgd(), learningRate: .constant(0))
        let trainer = try Trainer(file.model, configuration)
        let set = try run.trainingSet()
        let result = trainer.train(
            Batch(set, 0..<run.firstBatch.sequences, timesteps: 0..<run.firstBatch.timesteps))
        #expect(abs(result.loss - run.firstBatch.lossFloat64) <= Self.gradientTolerance)
        let expected = try TrainingCase.tensors(name)
        for (weight, gradient) in zip(file.weightNames, trainer.gradients) {
            let distance = largestDifference(gradient, expected.values("gradient/\(weight)"))
            #expect(distance <= Self.gradientTolerance, "\(weight)")
        }
    }

    @Test(arguments: fits)
    func `a fit has Keras' losses, accuracies and final weights`(name: String) throws {
        let run = try TrainingCase.read(name)
        let file = try TrainingCase.model(name)
        let trainer = try Trainer(file.model, run.configuration())
        let (options, set) = run.options(try run.trainingSet())
        let history = try trainer.fit(set, options).epochs
        let expected = run.tensorflowFloat64
        #expect(largestDifference(history.map(\.training.loss), expected.loss ?? []) <= run.tolerance("loss"))
        #expect(largestDifference(history.map(\.training.accuracy), expected.accuracy ?? []) <= 1e-6)
        try expectFinalWeights(of: trainer, file, name, run)
        let evaluation = trainer.evaluate(try run.testSet(), batchSize: 256)
        #expect(abs(evaluation.loss - (expected.evaluate?.loss ?? .nan)) <= run.tolerance("loss"))
        #expect(abs(evaluation.accuracy - (expected.evaluate?.accuracy ?? .nan)) <= 1e-6)
    }

    private func expectFinalWeights(
        of trainer: Trainer, _ file: ModelFile, _ name: String, _ run: TrainingCase
    ) throws {
        let expected = try TrainingCase.tensors(name)
        for (weight, values) in zip(file.weightNames, trainer.weights) {
            let distance = largestDifference(values, expected.values("final_float64/\(weight)"))
            #expect(distance <= run.tolerance("final"), "\(weight)")
        }
    }
}

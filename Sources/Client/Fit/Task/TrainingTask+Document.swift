package import ModelFiles
import Recurrent
package import Training

extension TrainingTask {
    /// Returns the document of the trained model, including the optimizer state.
    ///
    /// - Parameter trainer: The trainer.
    /// - Returns: The document.
    /// - Throws: ``ClientError`` with the status `data` if a weight is not finite.
    package func document(of trainer: Trainer) throws(ClientError) -> ModelDocument {
        do {
            let model = try trainer.makeModel()
            var weights: [String: Tensor] = [:]
            for (names, layer) in zip(document.weightNames, model.layers) {
                for (name, tensor) in zip(names, layer.weights) { weights[name] = tensor }
            }
            var compilation = compilation
            if isRateConstant { compilation.setLearningRate(.constant(Double(Float(trainer.learningRate)))) }
            return try document.replacing(
                weights: weights, compilation: compilation, optimizer: try variables(of: trainer))
        } catch let error as ModelFileError {
            throw ClientError(error)
        } catch {
            throw ClientError(.data, "\(path): the trained model is wrong: \(error)")
        }
    }

    /// Returns the optimizer state in the form in which Keras stores it.
    private func variables(of trainer: Trainer) throws -> OptimizerVariables {
        let state = trainer.optimizerState
        let slots = try optimizedWeights.map { weight in
            let values =
                weight.place.map { state.slots[$0] }
                ?? (0..<slotCount).map { _ in [Float](repeating: 0, count: weight.shape.reduce(1, *)) }
            return try values.map { try Tensor(shape: weight.shape, values: $0) }
        }
        return OptimizerVariables(
            updates: state.updates, learningRate: isRateConstant ? Float(trainer.learningRate) : nil, slots: slots)
    }

    /// Continues from the optimizer state in the model's file.
    ///
    /// - Throws: ``ClientError`` with the status `data` if the file has no optimizer state, or has the state of another
    ///   optimizer.
    package func resume(_ trainer: Trainer) throws(ClientError) {
        guard let variables = document.optimizer, variables.updates > 0 else {
            throw ClientError(
                .data, "\(path): the file has no state of an optimizer; leave out --resume to start with a new one")
        }
        guard let slots = variables.slots(slotCount, ofShapes: optimizedWeights.map(\.shape)) else {
            throw ClientError(
                .data,
                "\(path): the state of the optimizer is that of another optimizer; leave out --resume to start with a new "
                    + "one")
        }
        var state = trainer.optimizerState
        state.updates = variables.updates
        for (weight, tensors) in zip(optimizedWeights, slots) {
            if let place = weight.place { state.slots[place] = tensors.map(\.values) }
        }
        trainer.optimizerState = state
        if let rate = variables.learningRate, keepsLearningRate { trainer.learningRate = Double(rate) }
    }

    private var isRateConstant: Bool {
        if case .constant = configuration.optimizer.learningRate { true } else { false }
    }

    /// The number of vectors that the optimizer keeps for each weight.
    private var slotCount: Int { configuration.optimizer.method.slots }

    /// The shapes of the weights for which Keras' optimizer keeps vectors, and their indices among the weights that the
    /// trainer changes. The index is nil for a weight that Keras would change but the trainer does not.
    private var optimizedWeights: [(place: Int?, shape: [Int])] {
        var weights: [(place: Int?, shape: [Int])] = []
        var next = 0
        for (index, (layer, isTrainable)) in zip(document.file.model.layers, document.isTrainable).enumerated() {
            let isTrained = layer.isTrainable && !configuration.frozenLayers.contains(index)
            for (weight, isTrainable) in isTrainable.enumerated() where isTrainable {
                weights.append((isTrained ? next + weight : nil, layer.weights[weight].shape))
            }
            if isTrained { next += layer.weights.count }
        }
        return weights
    }
}

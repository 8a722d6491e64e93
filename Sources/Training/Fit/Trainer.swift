package import Recurrent

/// A model that is being trained.
///
/// A trainer reads a ``Model``, changes its own copy of the weights, and returns them as a new model. One call of
/// ``train(_:)`` corresponds to one call of Keras' `train_on_batch`.
///
///     let trainer = try Trainer(model, TrainingConfiguration(loss: Loss(.binaryCrossentropy)))
///     let result = try trainer.fit(set, FitOptions(epochs: 20))
///     let trained = try trainer.makeModel()
///
/// The owner must call a trainer from only one thread at a time.
package final class Trainer {
    /// The learner in one of the two precisions. An enumeration lets the compiler generate specialized code for each.
    private enum Core {
        case single(Learner<KernelTiles>)
        case double(Learner<PlainTiles<Double>>)
    }

    /// The model before training.
    package let model: Model
    package let configuration: TrainingConfiguration
    /// The range and the shape of each trainable weight, in the model's order.
    private let tensors: [(range: Range<Int>, shape: [Int])]
    /// The ranges of the parameters that are not frozen.
    private let trained: [Range<Int>]
    private let core: Core

    /// Prepares to train a model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - configuration: The options that do not change during training.
    ///   - kernels: The kernels for single precision.
    /// - Throws: ``TrainingError`` with the code `unsupported` if a layer cannot be trained, or `option` if an option
    ///   is invalid.
    package init(
        _ model: Model, _ configuration: TrainingConfiguration, kernels: Kernels = .best
    ) throws(TrainingError) {
        try configuration.check(model)
        self.model = model
        self.configuration = configuration
        var tensors: [(Range<Int>, [Int])] = []
        var values: [Float] = []
        var trained: [Range<Int>] = []
        for (index, layer) in model.layers.enumerated() where layer.isTrainable {
            for tensor in layer.weights {
                let range = values.count..<values.count + tensor.values.count
                tensors.append((range, tensor.shape))
                values += tensor.values
                if !configuration.frozenLayers.contains(index) { trained.append(range) }
            }
        }
        self.tensors = tensors.map { (range: $0.0, shape: $0.1) }
        self.trained = trained
        core =
            switch configuration.precision {
            case .single:
                .single(
                    try Learner(model, configuration, trained: trained, values: values) {
                        KernelTiles(kernels, lanes: $0)
                    })
            case .double:
                .double(try Learner(model, configuration, trained: trained, values: values) { PlainTiles(lanes: $0) })
            }
    }

    // MARK: - Batches

    /// Updates the weights with one batch: Keras' `train_on_batch`. If the gradient is not finite, only the states
    /// change.
    ///
    /// - Parameters:
    ///   - batch: At least one sequence.
    ///   - wantsPredictions: Whether the result contains the predictions.
    /// - Returns: The loss and the metrics before the update.
    @discardableResult
    package func train(_ batch: Batch, wantsPredictions: Bool = false) -> BatchResult {
        run(batch, trains: true, keepsState: configuration.isStateful, wantsPredictions: wantsPredictions)
    }

    /// Computes the outputs of a batch: Keras' `predict_on_batch` and `test_on_batch`. A stateful model also updates
    /// its states.
    ///
    /// - Returns: The predictions and, if there are labels, the loss and the metrics.
    package func predict(_ batch: Batch) -> BatchResult {
        run(batch, trains: false, keepsState: configuration.isStateful, wantsPredictions: true)
    }

    /// Computes the loss and the metrics of a set: Keras' `evaluate`. Each sequence starts from the zero state.
    ///
    /// - Parameters:
    ///   - set: The sequences.
    ///   - batchSize: The number of sequences in a batch.
    /// - Returns: The means over the set.
    package func evaluate(_ set: TrainingSet, batchSize: Int = 32) -> BatchResult {
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        for first in stride(from: 0, to: set.count, by: batchSize) {
            let batch = Batch(set, first..<min(first + batchSize, set.count))
            result.add(run(batch, trains: false, keepsState: false, wantsPredictions: false))
        }
        return result
    }

    func run(_ batch: Batch, trains: Bool, keepsState: Bool, wantsPredictions: Bool) -> BatchResult {
        switch core {
        case .single(let learner):
            learner.run(batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions)
        case .double(let learner):
            learner.run(batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions)
        }
    }

    // MARK: - Weights

    /// The trainable weights in the model's order.
    package var weights: [[Float]] {
        get {
            switch core {
            case .single(let learner): tensors.map { learner.parameters.array($0.range) }
            case .double(let learner): tensors.map { learner.parameters.array($0.range) }
            }
        }
        set {
            for (tensor, values) in zip(tensors, newValue) {
                precondition(tensor.range.count == values.count)
                switch core {
                case .single(let learner): learner.parameters.replace(tensor.range, with: values)
                case .double(let learner): learner.parameters.replace(tensor.range, with: values)
                }
            }
        }
    }

    /// The gradient of the last batch's loss with respect to each of ``weights``, after clipping.
    package var gradients: [[Double]] {
        switch core {
        case .single(let learner): tensors.map { $0.range.map { Double(learner.gradient.values[$0]) } }
        case .double(let learner): tensors.map { $0.range.map { learner.gradient.values[$0] } }
        }
    }

    /// Returns the model with the current weights.
    ///
    /// - Throws: ``ModelError`` if a weight is not finite.
    package func makeModel() throws(ModelError) -> Model {
        var values = Array(zip(tensors, weights))[...]
        var layers: [any Layer] = []
        for layer in model.layers {
            guard layer.isTrainable else {
                layers.append(layer)
                continue
            }
            var weights: [Tensor] = []
            for (tensor, values) in values.prefix(layer.weights.count) {
                weights.append(try Tensor(shape: tensor.shape, values: values))
            }
            values = values.dropFirst(layer.weights.count)
            layers.append(try replacingWeights(of: layer, with: weights))
        }
        return try Model(layers: layers, kernels: model.kernels)
    }

    // MARK: - States

    /// The state of each place in a batch, in the layout of a ``StatePool``: layer by layer, h and, for an LSTM, c.
    /// Empty before the first batch and after ``resetStates()``.
    package var states: [[Float]] {
        get {
            switch core {
            case .single(let learner): learner.stateRows
            case .double(let learner): learner.stateRows
            }
        }
        set {
            switch core {
            case .single(let learner): learner.stateRows = newValue
            case .double(let learner): learner.stateRows = newValue
            }
        }
    }

    /// Sets all states to zero.
    package func resetStates() { states = [] }

    // MARK: - The optimizer

    /// The optimizer's state for the weights that are not frozen.
    package var optimizerState: OptimizerState {
        get {
            switch core {
            case .single(let learner): learner.optimizer.state(of: trained)
            case .double(let learner): learner.optimizer.state(of: trained)
            }
        }
        set {
            switch core {
            case .single(let learner): learner.optimizer.restore(newValue, trained)
            case .double(let learner): learner.optimizer.restore(newValue, trained)
            }
        }
    }

    /// The shape of each weight that is not frozen.
    package var trainedShapes: [[Int]] {
        tensors.filter { trained.contains($0.range) }.map(\.shape)
    }

    /// The learning rate of the next update. A rate that is set here permanently replaces the optimizer's own rate.
    package var learningRate: Double {
        get {
            switch core {
            case .single(let learner): learner.optimizer.learningRate
            case .double(let learner): learner.optimizer.learningRate
            }
        }
        set {
            switch core {
            case .single(let learner): learner.optimizer.rate = newValue
            case .double(let learner): learner.optimizer.rate = newValue
            }
        }
    }
}

extension Trainer {
    /// The learning rate of the last update. Before the first update, the rate of the next one.
    package var lastLearningRate: Double {
        switch core {
        case .single(let learner): learner.optimizer.lastLearningRate
        case .double(let learner): learner.optimizer.lastLearningRate
        }
    }

    /// Checks that a set fits the model and the loss.
    ///
    /// - Throws: ``TrainingError`` with the code `data`.
    package func check(_ set: TrainingSet) throws(TrainingError) {
        guard set.count > 0 else { throw TrainingError(.data, "there is no sequence") }
        guard set.features == model.features else {
            throw TrainingError(
                .data, "the data have \(set.features) values a timestep, but the model takes \(model.features)")
        }
        let targets = configuration.loss.targets(outputs: model.outputs)
        guard set.targets == targets else {
            throw TrainingError(
                .data,
                "a label has \(set.targets) values, but \(configuration.loss.function.rawValue) of "
                    + "\(model.outputs) outputs needs \(targets)")
        }
        guard set.inputs.allSatisfy(\.isFinite), set.weights.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw TrainingError(.data, "an input or a weight is not a finite number, or a weight is negative")
        }
        if let vocabulary = model.vocabulary,
            let token = set.inputs.first(where: { $0 < 0 || $0 >= Float(vocabulary) || $0 != $0.rounded() })
        {
            throw TrainingError(.data, "the token \(token) is not a whole number from 0 to \(vocabulary - 1)")
        }
        try checkLabels(set)
    }

    private func checkLabels(_ set: TrainingSet) throws(TrainingError) {
        let labels = set.labels.lazy.filter { !$0.isNaN }
        switch configuration.loss.function {
        case .meanSquaredError:
            guard labels.allSatisfy(\.isFinite) else { throw TrainingError(.data, "a label is infinite") }
        case .binaryCrossentropy, .categoricalCrossentropy:
            if let label = labels.first(where: { $0 < 0 || $0 > 1 }) {
                throw TrainingError(.data, "the label \(label) is not in 0 to 1")
            }
        case .sparseCategoricalCrossentropy:
            if let label = labels.first(where: { $0 < 0 || $0 >= Float(model.outputs) || $0 != $0.rounded() }) {
                throw TrainingError(
                    .data, "the label \(label) is not a class from 0 to \(model.outputs - 1)")
            }
        }
    }
}

extension Buffer where Element: ReferenceScalar {
    fileprivate func array(_ range: Range<Int>) -> [Float] { range.map { Float(values[$0]) } }

    fileprivate func replace(_ range: Range<Int>, with new: [Float]) {
        for (index, value) in zip(range, new) { values[index] = Element(value) }
    }
}

extension OptimizerStep {
    fileprivate func state(of weights: [Range<Int>]) -> OptimizerState {
        OptimizerState(updates: updates, slots: weights.map { range in slots.map { $0.array(range) } })
    }

    fileprivate func restore(_ state: OptimizerState, _ weights: [Range<Int>]) {
        updates = state.updates
        for (range, values) in zip(weights, state.slots) {
            for (slot, values) in zip(slots, values) { slot.replace(range, with: values) }
        }
    }
}

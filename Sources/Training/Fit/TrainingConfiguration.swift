/// The options that do not change during training.
package struct TrainingConfiguration: Sendable {
    /// The outputs that have a label.
    package enum Outputs: Sendable {
        /// The last output of each sequence or chunk.
        case last
        /// Every output, as in a Keras model whose last recurrent layer has `return_sequences`.
        case everyTimestep
    }

    /// A dropout layer, which the engine's model omits.
    package struct Dropout: Sendable {
        /// The index of the layer to whose input the dropout applies.
        package var before: Int
        /// The fraction of the values to drop, at least 0 and less than 1.
        package var rate: Double

        package init(before: Int, rate: Double) {
            self.before = before
            self.rate = rate
        }
    }

    /// The precision of the arithmetic.
    package enum Precision: Sendable {
        /// Single precision, computed by the kernels.
        case single
        /// Double precision, computed by plain loops. It is slow and serves to measure the rounding errors of single
        /// precision.
        case double
    }

    package var loss: Loss
    package var optimizer: Optimizer
    package var outputs: Outputs
    /// Whether each place in a batch starts from its state at the end of the previous batch, as in Keras with
    /// `stateful`.
    package var isStateful = false
    /// The indices of layers whose weights do not change.
    package var frozenLayers: Set<Int> = []
    package var dropouts: [Dropout] = []
    /// The factor of the loss for each class; 1 for a class that is missing. The factors apply in training, but not in
    /// evaluation.
    package var classWeights: [Int: Float] = [:]
    /// Whether results contain the area under the ROC curve.
    package var measuresCurve = false
    /// The seed for dropout.
    package var seed: UInt64 = 0
    /// The number of threads. It does not change the result.
    package var jobs = 1
    package var precision = Precision.single

    /// Creates a configuration. Each parameter sets the property of the same name.
    package init(loss: Loss, optimizer: Optimizer = Optimizer(), outputs: Outputs = .last) {
        self.loss = loss
        self.optimizer = optimizer
        self.outputs = outputs
    }
}

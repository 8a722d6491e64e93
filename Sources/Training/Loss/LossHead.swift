import Recurrent

/// The end of a model in training. It computes the loss of an output and the gradient of the loss. If the last layer's
/// activation and the loss have a simpler combined form, it also computes the activation.
///
/// A cross-entropy after a sigmoid or a softmax is computed from the logit z without clipping, as in TensorFlow:
///
///     ln(1 + e⁻ᶻ) for a sigmoid with target 1, gradient σ(z) − t
///     ln Σ eᶻ − z  for a softmax, gradient softmax(z) − t
///
/// Any other probability is clipped to 1e-7 … 1 − 1e-7, as in Keras. Outside that range, the gradient is zero.
struct LossHead<Scalar: ReferenceScalar>: Sendable {
    enum Form: Sendable {
        /// Logits of a sigmoid. The prediction is a probability if the model's last activation is the sigmoid.
        case sigmoid(isActivation: Bool)
        /// Logits of a softmax. The predictions are probabilities if the model's last activation is the softmax.
        case softmax(isActivation: Bool)
        /// Independent probabilities.
        case probabilities
        /// Class probabilities, which the loss divides by their sum.
        case classes
        case squares
    }

    /// Keras' `epsilon()`.
    private static var epsilon: Scalar { Scalar(1e-7) }

    let form: Form
    let isSparse: Bool
    let outputs: Int
    let lanes: Int
    let smoothing: Scalar

    /// Whether the head computes the last layer's activation.
    var isFused: Bool {
        switch form {
        case .sigmoid(let isActivation), .softmax(let isActivation): isActivation
        default: false
        }
    }

    /// Creates the head.
    ///
    /// - Parameters:
    ///   - loss: The loss.
    ///   - activation: The activation at the end of the model.
    ///   - outputs: The number of the model's outputs.
    ///   - lanes: The number of lanes.
    init(_ loss: Loss, activation: Activation, outputs: Int, lanes: Int) {
        self.outputs = outputs
        self.lanes = lanes
        smoothing = loss.function == .meanSquaredError ? 0 : Scalar(loss.labelSmoothing)
        isSparse = loss.function == .sparseCategoricalCrossentropy
        switch loss.function {
        case .meanSquaredError: form = .squares
        case .binaryCrossentropy:
            let isActivation = activation == .sigmoid
            form = isActivation || loss.fromLogits ? .sigmoid(isActivation: isActivation) : .probabilities
        case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
            let isActivation = activation == .softmax
            form = isActivation || loss.fromLogits ? .softmax(isActivation: isActivation) : .classes
        }
    }

    /// Computes the loss of one output, its gradient and the prediction.
    ///
    /// - Parameters:
    ///   - y: The output in one lane, with values `lanes` apart.
    ///   - targets: The targets, shape (outputs), or one class; nil if there is no label.
    ///   - weight: The factor of the gradient.
    ///   - dy: Receives the gradient of y, with the same spacing.
    ///   - predictions: Receives the model's outputs, shape (outputs).
    /// - Returns: The loss without the weight; 0 if there is no label.
    func callAsFunction(
        _ y: Values<Scalar>, targets: ArraySlice<Float>?, weight: Scalar, dy: Values<Scalar>,
        predictions: Values<Float>
    ) -> Scalar {
        predict(y, dy, into: predictions)
        guard let targets else {
            for k in 0..<outputs { dy[k * lanes] = 0 }
            return 0
        }
        let loss =
            switch form {
            case .sigmoid: sigmoidLoss(y, targets, dy)
            case .softmax: softmaxLoss(y, targets, dy)
            case .probabilities: probabilityLoss(y, targets, dy)
            case .classes: classLoss(y, targets, dy)
            case .squares: squareLoss(y, targets, dy)
            }
        for k in 0..<outputs { dy[k * lanes] *= weight }
        return loss
    }

    /// Returns the k-th target after label smoothing.
    private func target(_ targets: ArraySlice<Float>, _ k: Int, share: Scalar) -> Scalar {
        if isSparse { return Int(targets[targets.startIndex]) == k ? 1 : 0 }
        return Scalar(targets[targets.startIndex + k]) * (1 - smoothing) + smoothing * share
    }

    /// Computes the predictions. For a softmax, also stores the probabilities in `dy`.
    private func predict(_ y: Values<Scalar>, _ dy: Values<Scalar>, into predictions: Values<Float>) {
        switch form {
        case .sigmoid(isActivation: true):
            for k in 0..<outputs { predictions[k] = Float(Scalar.sigmoid(y[k * lanes])) }
        case .softmax(let isActivation):
            var largest = -Scalar.infinity
            for k in 0..<outputs { largest = max(largest, y[k * lanes]) }
            var sum: Scalar = 0
            for k in 0..<outputs {
                dy[k * lanes] = Scalar.exp(y[k * lanes] - largest)
                sum += dy[k * lanes]
            }
            for k in 0..<outputs {
                dy[k * lanes] /= sum
                predictions[k] = Float(isActivation ? dy[k * lanes] : y[k * lanes])
            }
        default: for k in 0..<outputs { predictions[k] = Float(y[k * lanes]) }
        }
    }

    private func sigmoidLoss(_ y: Values<Scalar>, _ targets: ArraySlice<Float>, _ dy: Values<Scalar>) -> Scalar {
        var loss: Scalar = 0
        for k in 0..<outputs {
            let (z, t) = (y[k * lanes], target(targets, k, share: 0.5))
            loss += max(z, 0) - z * t + Scalar.log(1 + Scalar.exp(-abs(z)))
            dy[k * lanes] = (Scalar.sigmoid(z) - t) / Scalar(outputs)
        }
        return loss / Scalar(outputs)
    }

    private func softmaxLoss(_ y: Values<Scalar>, _ targets: ArraySlice<Float>, _ dy: Values<Scalar>) -> Scalar {
        var largest = -Scalar.infinity
        for k in 0..<outputs { largest = max(largest, y[k * lanes]) }
        var sum: Scalar = 0
        for k in 0..<outputs { sum += Scalar.exp(y[k * lanes] - largest) }
        let logSum = Scalar.log(sum) + largest
        var loss: Scalar = 0
        var total: Scalar = 0
        for k in 0..<outputs {
            let t = target(targets, k, share: 1 / Scalar(outputs))
            loss += t * (logSum - y[k * lanes])
            total += t
        }
        for k in 0..<outputs {
            dy[k * lanes] = dy[k * lanes] * total - target(targets, k, share: 1 / Scalar(outputs))
        }
        return loss
    }

    private func probabilityLoss(_ y: Values<Scalar>, _ targets: ArraySlice<Float>, _ dy: Values<Scalar>) -> Scalar {
        var loss: Scalar = 0
        for k in 0..<outputs {
            let (value, t) = (y[k * lanes], target(targets, k, share: 0.5))
            let p = min(max(value, Self.epsilon), 1 - Self.epsilon)
            loss -= t * Scalar.log(p) + (1 - t) * Scalar.log(1 - p)
            dy[k * lanes] = p == value ? (p - t) / (p * (1 - p)) / Scalar(outputs) : 0
        }
        return loss / Scalar(outputs)
    }

    /// Computes the loss for probabilities of classes. Keras divides the probabilities by their sum s: q = p / s. For
    /// sparse targets, Keras clips the probabilities before the division; for other targets, after it.
    private func classLoss(_ y: Values<Scalar>, _ targets: ArraySlice<Float>, _ dy: Values<Scalar>) -> Scalar {
        func clipped(_ p: Scalar) -> Scalar { min(max(p, Self.epsilon), 1 - Self.epsilon) }
        func isClipped(_ p: Scalar) -> Bool { p < Self.epsilon || p > 1 - Self.epsilon }
        var sum: Scalar = 0
        for k in 0..<outputs { sum += isSparse ? clipped(y[k * lanes]) : y[k * lanes] }
        var loss: Scalar = 0
        var total: Scalar = 0
        for k in 0..<outputs {
            let p = y[k * lanes]
            let t = target(targets, k, share: 1 / Scalar(outputs))
            let q = isSparse ? clipped(p) / sum : clipped(p / sum)
            loss -= t * Scalar.log(q)
            let hasGradient = isSparse || !isClipped(p / sum)
            if hasGradient { total += t }
            dy[k * lanes] = hasGradient ? -t / (isSparse ? clipped(p) : p) : 0
        }
        for k in 0..<outputs {
            dy[k * lanes] += total / sum
            if isSparse && isClipped(y[k * lanes]) { dy[k * lanes] = 0 }
        }
        return loss
    }

    private func squareLoss(_ y: Values<Scalar>, _ targets: ArraySlice<Float>, _ dy: Values<Scalar>) -> Scalar {
        var loss: Scalar = 0
        for k in 0..<outputs {
            let difference = y[k * lanes] - target(targets, k, share: 0)
            loss += difference * difference
            dy[k * lanes] = 2 * difference / Scalar(outputs)
        }
        return loss / Scalar(outputs)
    }
}

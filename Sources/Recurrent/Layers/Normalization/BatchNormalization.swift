/// Batch normalization in inference mode, which normalizes each feature with the moving mean and variance from
/// training. The layer keeps no state.
package struct BatchNormalization: Equatable, Sendable {
    /// A number that is added to the variances to keep them above zero.
    package let epsilon: Float
    /// γ, shape (units); nil if the layer does not scale.
    package let gamma: Tensor?
    /// β, shape (units); nil if the layer does not center.
    package let beta: Tensor?
    /// μ, shape (units).
    package let movingMean: Tensor
    /// σ², shape (units), each at least 0.
    package let movingVariance: Tensor

    /// The width of the input and of the output.
    package var units: Int { movingMean.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - epsilon: Keras' `epsilon`.
    ///   - gamma: Shape (units), or nil for none.
    ///   - beta: Shape (units), or nil for none.
    ///   - movingMean: Shape (units).
    ///   - movingVariance: Shape (units).
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite, if `epsilon` is not finite, if a
    ///   variance is negative, or if a variance plus `epsilon` is not positive. The error names the weight.
    package init(
        epsilon: Float, gamma: Tensor?, beta: Tensor?, movingMean: Tensor, movingVariance: Tensor
    ) throws(ModelError) {
        let units = movingMean.values.count
        try ModelError.check(units: units)
        try movingMean.check(shape: [units], of: "moving_mean")
        try movingVariance.check(shape: [units], of: "moving_variance")
        try gamma?.check(shape: [units], of: "gamma")
        try beta?.check(shape: [units], of: "beta")
        guard epsilon.isFinite, movingVariance.values.allSatisfy({ $0 >= 0 && $0 + epsilon > 0 }) else {
            throw ModelError(
                code: .notFinite, context: "moving_variance and epsilon (\(epsilon)) have no positive square root")
        }
        self.epsilon = epsilon
        self.gamma = gamma
        self.beta = beta
        self.movingMean = movingMean
        self.movingVariance = movingVariance
    }
}

extension BatchNormalization: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [gamma, beta].compactMap(\.self) + [movingMean, movingVariance] }
    package var architecture: String {
        "batch_normalization units=\(units) epsilon=\(epsilon) scale=\(gamma != nil) center=\(beta != nil)"
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.rescaling(weights.place(rescaling(in: &weights))), of: self)
    }

    private func rescaling(in weights: inout WeightBuffer) -> Rescaling.Step {
        let (scale, offset) = factors
        return Rescaling.Step(scale: scale, offset: offset, weights: &weights)
    }

    /// The factors and addends of the equivalent ``Rescaling``, shape (units) each, as Keras' own code computes them
    /// (<https://keras.io/api/layers/normalization_layers/batch_normalization/>):
    ///
    ///     y = γ (x − μ) / √(σ² + ε) + β = x ⊙ scale + offset
    ///     scale = γ / √(σ² + ε)
    ///     offset = β − μ ⊙ scale
    package var factors: (scale: [Float], offset: [Float]) {
        let gamma = gamma?.values ?? Array(repeating: 1, count: units)
        let beta = beta?.values ?? Array(repeating: 0, count: units)
        let scale = zip(gamma, movingVariance.values).map { $0 / ($1 + epsilon).squareRoot() }
        return (scale, (0..<units).map { beta[$0] - movingMean.values[$0] * scale[$0] })
    }
}

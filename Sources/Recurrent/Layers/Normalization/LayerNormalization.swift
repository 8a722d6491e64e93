/// Layer normalization, which normalizes each timestep with the mean and variance of its own features. The layer keeps
/// no state.
package struct LayerNormalization: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// A number that is added to the variance to keep it above zero.
    package let epsilon: Float
    /// γ, shape (units); nil if the layer does not scale.
    package let gamma: Tensor?
    /// β, shape (units); nil if the layer does not center.
    package let beta: Tensor?

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - epsilon: Keras' `epsilon`, at least 0.
    ///   - gamma: Shape (units), or nil for none.
    ///   - beta: Shape (units), or nil for none.
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite, or if `epsilon` is negative or not
    ///   finite. The error names the weight or `epsilon`.
    package init(units: Int, epsilon: Float, gamma: Tensor?, beta: Tensor?) throws(ModelError) {
        try ModelError.check(units: units)
        try gamma?.check(shape: [units], of: "gamma")
        try beta?.check(shape: [units], of: "beta")
        guard epsilon.isFinite, epsilon >= 0 else {
            throw ModelError(code: .notFinite, context: "epsilon is \(epsilon)")
        }
        self.units = units
        self.epsilon = epsilon
        self.gamma = gamma
        self.beta = beta
    }
}

extension LayerNormalization: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [gamma, beta].compactMap(\.self) }
    package var architecture: String {
        "layer_normalization units=\(units) epsilon=\(epsilon) scale=\(gamma != nil) center=\(beta != nil)"
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.layerNormalization(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// The layer's step.
    @safe
    struct Step {
        let units: Int
        let epsilon: Float
        /// γ, shape (units); ones if the layer does not scale.
        let gamma: UnsafePointer<Float>
        /// β, shape (units); zeros if the layer does not center.
        let beta: UnsafePointer<Float>

        init(_ layer: LayerNormalization, weights: inout WeightBuffer) {
            units = layer.units
            epsilon = layer.epsilon
            unsafe gamma = weights.append(layer.gamma?.values ?? Array(repeating: 1, count: layer.units))
            unsafe beta = weights.append(layer.beta?.values ?? Array(repeating: 0, count: layer.units))
        }

        /// Computes one timestep as Keras does
        /// (<https://keras.io/api/layers/normalization_layers/layer_normalization/>):
        ///
        ///     μ = mean(x)
        ///     σ² = mean((x − μ)²)
        ///     y = γ (x − μ) / √(σ² + ε) + β
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            var mean: Float = 0
            for k in 0..<units {
                unsafe mean += x[k]
            }
            mean /= Float(units)
            var variance: Float = 0
            for k in 0..<units {
                let difference = unsafe x[k] - mean
                variance += difference * difference
            }
            variance /= Float(units)
            let deviation = (variance + epsilon).squareRoot()
            for k in 0..<units {
                unsafe y[k] = gamma[k] * ((x[k] - mean) / deviation) + beta[k]
            }
        }
    }
}

/// Layer normalisation: each timestep by the mean and the variance of its own features. It keeps no state.
public struct LayerNormalization: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int
    /// What is added to the variance.
    public let epsilon: Float
    /// Shape (units); nil where the layer does not scale.
    public let gamma: Tensor?
    /// Shape (units); nil where the layer does not centre.
    public let beta: Tensor?

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - epsilon: What is added to the variance, at least 0.
    ///   - gamma: Shape (units), or nil for none.
    ///   - beta: Shape (units), or nil for none.
    /// - Throws: ``ModelError`` naming the weight whose shape does not fit, or that is not finite.
    public init(units: Int, epsilon: Float, gamma: Tensor?, beta: Tensor?) throws(ModelError) {
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

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.layerNormalization(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// The layer as the hot path sees it.
    @safe
    struct Step {
        let units: Int
        let epsilon: Float
        /// Shape (units); ones where the layer does not scale.
        let gamma: UnsafePointer<Float>
        /// Shape (units); zeros where the layer does not centre.
        let beta: UnsafePointer<Float>

        init(_ layer: LayerNormalization, weights: inout WeightBuffer) {
            units = layer.units
            epsilon = layer.epsilon
            unsafe gamma = weights.append(layer.gamma?.values ?? Array(repeating: 1, count: layer.units))
            unsafe beta = weights.append(layer.beta?.values ?? Array(repeating: 0, count: layer.units))
        }

        /// One timestep, as Keras computes it (<https://keras.io/api/layers/normalization_layers/layer_normalization/>):
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

/// Normalization of each feature with a fixed mean and a fixed variance. The layer keeps no state.
package struct Normalization: Equatable, Sendable {
    /// The lower bound ε of a standard deviation: Keras' `epsilon()`.
    package static let smallestDeviation: Float = 1e-7

    /// Shape (units).
    package let mean: Tensor
    /// Shape (units), each at least 0.
    package let variance: Tensor
    /// Whether the layer undoes the normalization.
    package let isInverse: Bool

    /// The width of the input and of the output.
    package var units: Int { mean.shape[0] }

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - mean: Shape (units).
    ///   - variance: Shape (units).
    ///   - isInverse: Keras' `invert`.
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite, or if a variance is negative. The
    ///   error names the weight.
    package init(mean: Tensor, variance: Tensor, isInverse: Bool = false) throws(ModelError) {
        try ModelError.check(units: mean.values.count)
        try mean.check(shape: [mean.values.count], of: "mean")
        try variance.check(shape: mean.shape, of: "variance")
        guard variance.values.allSatisfy({ $0 >= 0 }) else {
            throw ModelError(code: .notFinite, context: "variance is negative, so it has no square root")
        }
        self.mean = mean
        self.variance = variance
        self.isInverse = isInverse
    }
}

extension Normalization: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [mean, variance] }
    package var architecture: String { "normalization units=\(units) invert=\(isInverse)" }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.normalization(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// The layer's step.
    @safe
    struct Step {
        let units: Int
        let isInverse: Bool
        /// Shape (units).
        let mean: UnsafePointer<Float>
        /// max(√variance, ε), shape (units).
        let deviation: UnsafePointer<Float>

        init(_ layer: Normalization, weights: inout WeightBuffer) {
            units = layer.units
            isInverse = layer.isInverse
            unsafe mean = weights.append(layer.mean.values)
            unsafe deviation = weights.append(
                layer.variance.values.map { max($0.squareRoot(), Normalization.smallestDeviation) })
        }

        /// Computes `y = (x − mean) / max(√variance, ε)`, or its inverse `y = mean + x · max(√variance, ε)`
        /// (<https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            for k in 0..<units {
                unsafe y[k] = isInverse ? mean[k] + x[k] * deviation[k] : (x[k] - mean[k]) / deviation[k]
            }
        }
    }
}

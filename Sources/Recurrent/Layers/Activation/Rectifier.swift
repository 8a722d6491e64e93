/// A rectifier with a slope below its threshold and an upper limit, applied to each timestep: Keras' ReLU and LeakyReLU
/// layers. The layer has neither state nor weights.
package struct Rectifier: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// The slope below the threshold.
    package let negativeSlope: Float
    /// The input value above which the output equals the input, up to ``maximum``.
    package let threshold: Float
    /// The upper limit of the output; infinity if there is none.
    package let maximum: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - negativeSlope: Keras' `negative_slope`.
    ///   - threshold: Keras' `threshold`.
    ///   - maximum: Keras' `max_value`; infinity if there is none.
    /// - Throws: ``ModelError`` if `units` is less than 1, if `negativeSlope` or `threshold` is not finite, or if
    ///   `maximum` is NaN.
    package init(
        units: Int, negativeSlope: Float, threshold: Float = 0, maximum: Float = .infinity
    ) throws(ModelError) {
        try ModelError.check(units: units)
        guard negativeSlope.isFinite, threshold.isFinite, !maximum.isNaN else {
            throw ModelError(
                code: .notFinite,
                context: "slope \(negativeSlope), threshold \(threshold) and maximum \(maximum) are not all numbers")
        }
        self.units = units
        self.negativeSlope = negativeSlope
        self.threshold = threshold
        self.maximum = maximum
    }
}

extension Rectifier: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String {
        "rectifier units=\(units) negative_slope=\(negativeSlope) threshold=\(threshold) maximum=\(maximum)"
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.rectifier(weights.place(Step(self))), of: self)
    }

    /// The layer's step.
    struct Step {
        let units: Int
        let negativeSlope: Float
        let threshold: Float
        let maximum: Float

        init(_ layer: Rectifier) {
            units = layer.units
            negativeSlope = layer.negativeSlope
            threshold = layer.threshold
            maximum = layer.maximum
        }

        /// Computes each value as Keras' code does (<https://keras.io/api/layers/activation_layers/relu/>). At x =
        /// threshold, Keras' code differs from its documentation and gives 0:
        ///
        ///     y = max_value                           if x ≥ max_value
        ///     y = x                                   if threshold < x < max_value
        ///     y = negative_slope · (x − threshold)    otherwise
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            for k in 0..<units {
                let value = unsafe x[k]
                unsafe y[k] =
                    value > threshold ? min(value, maximum) : min(negativeSlope * (value - threshold), maximum)
            }
        }
    }
}

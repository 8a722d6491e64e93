/// A rectifier with a slope below its threshold and a ceiling, applied to each timestep: Keras' ReLU and LeakyReLU
/// layers. It keeps no state and has no weights.
public struct Rectifier: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int
    /// What a value below the threshold is multiplied with.
    public let negativeSlope: Float
    /// Above what a value passes unchanged.
    public let threshold: Float
    /// Where a value stops growing; infinite for nowhere.
    public let maximum: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - negativeSlope: Keras' `negative_slope`.
    ///   - threshold: Keras' `threshold`.
    ///   - maximum: Keras' `max_value`, infinite for none.
    /// - Throws: ``ModelError`` where there are no units, or a number is not one.
    public init(
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

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.rectifier(weights.place(Step(self))), of: self)
    }

    /// The layer as the hot path sees it.
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

        /// Each value as Keras computes it (<https://keras.io/api/layers/activation_layers/relu/>, but for x = threshold,
        /// where Keras' code does not give x):
        ///
        ///     y = max_value                           where x ≥ max_value
        ///     y = x                                   where threshold < x < max_value
        ///     y = negative_slope · (x − threshold)    else
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

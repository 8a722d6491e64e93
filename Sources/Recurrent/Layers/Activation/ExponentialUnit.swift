import Glibc

/// An exponential linear unit with a configurable α, applied to each timestep: Keras' ELU layer. The layer has neither
/// state nor weights.
package struct ExponentialUnit: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// The factor α. Far below zero, the function approaches −α.
    package let alpha: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - alpha: Keras' `alpha`.
    /// - Throws: ``ModelError`` if `units` is less than 1 or `alpha` is not finite.
    package init(units: Int, alpha: Float) throws(ModelError) {
        try ModelError.check(units: units)
        guard alpha.isFinite else { throw ModelError(code: .notFinite, context: "alpha is \(alpha)") }
        self.units = units
        self.alpha = alpha
    }
}

extension ExponentialUnit: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "exponential_unit units=\(units) alpha=\(alpha)" }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.exponentialUnit(weights.place(Step(self))), of: self)
    }

    /// The layer's step.
    struct Step {
        let units: Int
        let alpha: Float

        init(_ layer: ExponentialUnit) {
            units = layer.units
            alpha = layer.alpha
        }

        /// Computes `y = x` above zero and `y = α (eˣ − 1)` below
        /// (<https://keras.io/api/layers/activation_layers/elu/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            for k in 0..<units {
                let value = unsafe x[k]
                unsafe y[k] = value > 0 ? value : alpha * expm1f(value)
            }
        }
    }
}

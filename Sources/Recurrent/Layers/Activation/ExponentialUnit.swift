import Glibc

/// An exponential linear unit with its own α, applied to each timestep: Keras' ELU layer. It keeps no state and has no
/// weights.
public struct ExponentialUnit: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int
    /// Where the function ends far below zero: −α.
    public let alpha: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - alpha: Keras' `alpha`.
    /// - Throws: ``ModelError`` where there are no units, or α is not finite.
    public init(units: Int, alpha: Float) throws(ModelError) {
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

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.exponentialUnit(weights.place(Step(self))), of: self)
    }

    /// The layer as the hot path sees it.
    struct Step {
        let units: Int
        let alpha: Float

        init(_ layer: ExponentialUnit) {
            units = layer.units
            alpha = layer.alpha
        }

        /// `y = x` above zero, `y = α (eˣ − 1)` below (<https://keras.io/api/layers/activation_layers/elu/>).
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

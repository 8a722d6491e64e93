/// Says which timesteps are masked: those all of whose values are one certain value. It keeps no state.
public struct Masking: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int
    /// The value that masks.
    public let value: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - value: Keras' `mask_value`.
    /// - Throws: ``ModelError`` where there are no units, or the value is not a number.
    public init(units: Int, value: Float) throws(ModelError) {
        try ModelError.check(units: units)
        guard value.isFinite else { throw ModelError(code: .notFinite, context: "mask_value is \(value)") }
        self.units = units
        self.value = value
    }
}

extension Masking: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "masking units=\(units) value=\(value)" }
    package var maskRule: MaskRule { .makes }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.masking(weights.place(Step(units: units, value: value))), of: self)
    }

    /// The layer as the hot path sees it.
    struct Step {
        let units: Int
        let value: Float

        /// One timestep, as Keras computes it (<https://keras.io/api/layers/core_layers/masking/>): masked where
        /// x = `value` throughout; the output is then zero, else x.
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        ///   - isMasked: Replaced.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, isMasked: inout Bool) {
            isMasked = true
            for k in 0..<units {
                unsafe y[k] = x[k]
                if unsafe x[k] != value { isMasked = false }
            }
            if isMasked { unsafe y.update(repeating: 0, count: units) }
        }
    }
}

/// A layer that masks every timestep whose values all equal a given value. The layer keeps no state.
package struct Masking: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// The value that masks a timestep.
    package let value: Float

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - value: Keras' `mask_value`.
    /// - Throws: ``ModelError`` if `units` is less than 1 or `value` is not finite.
    package init(units: Int, value: Float) throws(ModelError) {
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
    package var maskRule: MaskRule { .generates }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.masking(weights.place(Step(units: units, value: value))), of: self)
    }

    /// The layer's step.
    struct Step {
        let units: Int
        let value: Float

        /// Masks the timestep if every value of x equals `value`, as Keras does
        /// (<https://keras.io/api/layers/core_layers/masking/>). The output of a masked timestep is zeros. The output
        /// of any other timestep is x.
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        ///   - isMasked: Receives whether the timestep is masked.
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

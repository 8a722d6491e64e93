/// The maximum of each feature over all timesteps so far.
///
/// The state of one stream holds the maxima (`units` floats), followed by the ``TimestepCount``.
package struct GlobalMaxPooling: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int

    /// Creates a layer.
    ///
    /// - Parameter units: The width of the input and of the output, at least 1.
    /// - Throws: ``ModelError`` if `units` is less than 1.
    package init(units: Int) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
    }
}

extension GlobalMaxPooling: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "global_max_pooling units=\(units)" }
    /// Keras' layer ignores the mask.
    package var maskRule: MaskRule { .discards }
    package var perCall: PerCall? { .pooling }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.maxPooling(weights.place(Step(units: units))), of: self, stateSize: units + 1)
    }

    /// The layer's step.
    struct Step {
        let units: Int

        /// Computes `y = max x` over the timesteps so far
        /// (<https://keras.io/api/layers/pooling_layers/global_max_pooling1d/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - state: The maxima, shape (units), then the count; the step replaces both. The maxima are the layer's
        ///     output.
        func callAsFunction(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>) {
            let isFirst = unsafe TimestepCount.increment(&state[units]) == 1
            for k in 0..<units {
                unsafe state[k] = isFirst ? x[k] : max(state[k], x[k])
            }
        }
    }
}

/// The largest value of all timesteps so far, of each feature by itself.
///
/// State, one a stream: the largest values, `units` floats; and the count of timesteps, kept as the bits of a float.
public struct GlobalMaxPooling: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int

    /// Creates a layer.
    ///
    /// - Parameter units: The width of the input and of the output, at least 1.
    /// - Throws: ``ModelError`` where there are no units.
    public init(units: Int) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
    }
}

extension GlobalMaxPooling: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "global_max_pooling units=\(units)" }
    /// Keras' layer takes masked timesteps like any other.
    package var maskRule: MaskRule { .ends }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.maxPooling(weights.place(Step(units: units))), of: self, stateSize: units + 1)
    }

    /// The layer as the hot path sees it.
    struct Step {
        let units: Int

        /// `y = max x` over the timesteps so far (<https://keras.io/api/layers/pooling_layers/global_max_pooling1d/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - state: The largest values, shape (units), and the count; all are replaced. The largest values are the
        ///     layer's output.
        func callAsFunction(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>) {
            let isFirst = unsafe TimestepCount.increment(&state[units]) == 1
            for k in 0..<units {
                unsafe state[k] = isFirst ? x[k] : max(state[k], x[k])
            }
        }
    }
}

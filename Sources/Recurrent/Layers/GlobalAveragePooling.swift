/// The mean of all timesteps so far that are not masked, of each feature by itself. Of none it is NaN, as it is to Keras.
///
/// State, one a stream: the mean; the sum and what rounding took from it, `units` floats each; and the count of timesteps,
/// kept as the bits of a float. 3 · `units` + 1 floats.
public struct GlobalAveragePooling: Equatable, Sendable {
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

extension GlobalAveragePooling: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "global_average_pooling units=\(units)" }
    package var maskRule: MaskRule { .heeds }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            .averagePooling(weights.place(Step(units: units))), of: self, stateSize: 3 * units + 1,
            whenMasked: .heldOnceCounted)
    }

    /// The layer as the hot path sees it.
    struct Step {
        let units: Int

        /// `mean = Σ x / n` over the timesteps so far
        /// (<https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>).
        ///
        /// The sum is Kahan's (<https://doi.org/10.1145/363707.363723>), so that the mean of a sequence of any length is as
        /// exact as that of a short one.
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - state: The mean, the sum, its compensation, shape (units) each, and the count; all are replaced. The mean is
        ///     the layer's output.
        func callAsFunction(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>) {
            let sum = unsafe state + units
            let compensation = unsafe sum + units
            let count = unsafe TimestepCount.increment(&compensation[units])
            for k in 0..<units {
                let addend = unsafe x[k] - compensation[k]
                let total = unsafe sum[k] + addend
                unsafe compensation[k] = (total - sum[k]) - addend
                unsafe sum[k] = total
                unsafe state[k] = total / Float(count)
            }
        }
    }
}

/// A count of timesteps among the floats of a state: as bits, since a float itself counts no further than 2²⁴.
enum TimestepCount {
    /// The largest count, whose bits are still those of a finite float.
    private static let largest: UInt32 = 1 << 30

    /// Whether no timestep is counted yet.
    static func isZero(_ bits: Float) -> Bool { bits.bitPattern == 0 }

    /// Counts one more timestep.
    ///
    /// - Parameter bits: The count, replaced; 0.0 counts none.
    /// - Returns: The count with this timestep.
    static func increment(_ bits: inout Float) -> UInt32 {
        let count = min(bits.bitPattern + 1, largest)
        bits = Float(bitPattern: count)
        return count
    }
}

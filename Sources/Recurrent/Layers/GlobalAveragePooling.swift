/// The mean of each feature over all unmasked timesteps so far. Before the first unmasked timestep, the mean is NaN, as
/// in Keras.
///
/// The state of one stream holds the mean, the sum and the sum's compensation (`units` floats each), followed by the
/// ``TimestepCount``: 3 · `units` + 1 floats in all.
package struct GlobalAveragePooling: Equatable, Sendable {
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

extension GlobalAveragePooling: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "global_average_pooling units=\(units)" }
    package var maskRule: MaskRule { .consumes }
    package var perCall: PerCall? { .pooling }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            .averagePooling(weights.place(Step(units: units))), of: self, stateSize: 3 * units + 1,
            whenMasked: .repeatsOutputOnceCounted)
    }

    /// The layer's step.
    struct Step {
        let units: Int

        /// Computes `mean = Σ x / n` over the timesteps so far
        /// (<https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>).
        ///
        /// Kahan summation (<https://doi.org/10.1145/363707.363723>) keeps the mean of a long sequence as accurate as
        /// the mean of a short one.
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - state: The mean, the sum and its compensation, shape (units) each, then the count; the step replaces
        ///     them all. The mean is the layer's output.
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

/// A count of timesteps, stored in one float of a state. The count is the float's bit pattern, because a float's value
/// is exact only up to 2²⁴.
enum TimestepCount {
    /// The largest count. Its bit pattern is still a finite float.
    private static let largest: UInt32 = 1 << 30

    /// Whether the count is zero.
    static func isZero(_ bits: Float) -> Bool { bits.bitPattern == 0 }

    /// Adds one timestep to the count.
    ///
    /// - Parameter bits: The float that stores the count; 0.0 stores a count of zero.
    /// - Returns: The new count.
    static func increment(_ bits: inout Float) -> UInt32 {
        let count = min(bits.bitPattern + 1, largest)
        bits = Float(bitPattern: count)
        return count
    }
}

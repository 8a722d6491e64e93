/// A rectifier with a trained slope for each feature, applied to each timestep: Keras' PReLU layer.
package struct ParametricRectifier: Equatable, Sendable {
    /// The slope of each feature below zero, shape (units).
    package let alpha: Tensor
    /// The number of weights, as Keras counts them. All features may share one slope.
    package let parameters: Int

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - alpha: One slope for each feature, or one for all features, in any shape.
    /// - Throws: ``ModelError`` if `units` is less than 1, if the number of slopes is neither 1 nor `units`, or if a
    ///   slope is not finite.
    package init(units: Int, alpha: Tensor) throws(ModelError) {
        try ModelError.check(units: units)
        guard alpha.values.count == units || alpha.values.count == 1 else {
            throw ModelError(
                code: .shape, context: "alpha has the shape \(alpha.shape), expected \(units) slopes, or one")
        }
        let values = alpha.values.count == units ? alpha.values : Array(repeating: alpha.values[0], count: units)
        self.alpha = try Tensor(shape: [units], values: values)
        try self.alpha.check(shape: [units], of: "alpha")
        parameters = alpha.values.count
    }
}

extension ParametricRectifier: TimestepLayer {
    package var features: Int { units }
    package var units: Int { alpha.values.count }
    package var weights: [Tensor] { [alpha] }
    package var architecture: String { "parametric_rectifier units=\(units)" }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        let step = unsafe Step(units: units, alpha: weights.append(alpha.values))
        return unsafe LayerStep(.parametricRectifier(weights.place(step)), of: self)
    }

    /// The layer's step.
    @safe
    struct Step {
        let units: Int
        /// Shape (units).
        let alpha: UnsafePointer<Float>

        /// Computes `y = x` above zero and `y = alpha ⊙ x` below
        /// (<https://keras.io/api/layers/activation_layers/prelu/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            for k in 0..<units {
                let value = unsafe x[k]
                unsafe y[k] = value > 0 ? value : alpha[k] * value
            }
        }
    }
}

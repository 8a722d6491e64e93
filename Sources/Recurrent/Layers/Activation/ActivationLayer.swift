/// A layer that only applies an activation to each timestep. It has neither state nor weights.
package struct ActivationLayer: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// The function of the layer.
    package let activation: Activation

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - activation: The function; softmax runs over the whole width.
    /// - Throws: ``ModelError`` if `units` is less than 1.
    package init(units: Int, activation: Activation) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
        self.activation = activation
    }
}

extension ActivationLayer: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "activation units=\(units) activation=\(activation.name)" }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.activation(weights.place(Step(self, weights.kernels))), of: self)
    }

    /// The layer's step.
    struct Step {
        let units: Int
        let activation: Activation
        let kernels: Kernels

        init(_ layer: ActivationLayer, _ kernels: Kernels) {
            self.kernels = kernels
            units = layer.units
            activation = layer.activation
        }

        /// Computes `y = activation(x)` (<https://keras.io/api/layers/core_layers/activation/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units), padded. Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe y.update(from: x, count: units)
            unsafe activation.apply(y, count: units, kernels)
        }
    }
}

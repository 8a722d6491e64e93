/// A fully connected layer that is applied to each timestep. It keeps no state.
package struct Dense: Equatable, Sendable {
    /// The width of the output.
    package let units: Int
    /// The activation of the output.
    package let activation: Activation
    /// W, shape (features, units).
    package let kernel: Tensor
    /// b, shape (units); nil if the layer has no bias.
    package let bias: Tensor?

    /// The width of one timestep of the input.
    package var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the output, at least 1.
    ///   - activation: Keras' `activation`.
    ///   - kernel: Shape (features, units).
    ///   - bias: Shape (units), or nil for none.
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite. The error names the weight.
    package init(units: Int, activation: Activation, kernel: Tensor, bias: Tensor?) throws(ModelError) {
        try kernel.checkKernel(units: units)
        try bias?.check(shape: [units], of: "bias")
        self.units = units
        self.activation = activation
        self.kernel = kernel
        self.bias = bias
    }
}

extension Dense: TimestepLayer {
    package var weights: [Tensor] { [kernel] + [bias].compactMap(\.self) }
    package var architecture: String {
        "dense features=\(features) units=\(units) activation=\(activation.name) use_bias=\(bias != nil)"
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.dense(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// Whether the layer has so few outputs that computing each output on its own is faster than computing a vector of
    /// outputs.
    var hasFewColumns: Bool { units <= Kernels.maximumDots }

    /// The layer's step. It holds only sizes and pointers into the model's weights, so copying it needs no reference
    /// counting.
    @safe
    struct Step {
        let units: Int
        let activation: Activation
        /// W, shape (features, units).
        let kernel: WeightMatrix
        /// b, shape (units); zeros if the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: Dense, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            kernel = WeightMatrix(
                layer.kernel, layout: layer.hasFewColumns ? .columns : .vectors, in: &weights)
            unsafe bias = weights.append(layer.bias?.values ?? Array(repeating: 0, count: layer.units))
        }

        /// Computes `y = activation(x·W + b)` as Keras does (<https://keras.io/api/layers/core_layers/dense/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - y: The output, shape (units), padded. Must not overlap `x`.
        @inline(__always)
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiply(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units, kernel.kernels)
        }

        /// Steps every lane through one timestep. The activation must be elementwise.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - y: Shape (units, lanes). Must not overlap `x`.
        func stepLanes(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units * kernel.kernels.lanes, kernel.kernels)
        }

        /// Whether ``stepSequence(_:x:y:)`` is possible and faster than one timestep at a time.
        var canStepSequence: Bool { kernel.canMultiplySequence && activation.isElementwise }

        /// Steps one stream through a sequence of timesteps.
        ///
        /// - Parameters:
        ///   - count: The number of timesteps.
        ///   - x: Shape (count, features).
        ///   - y: Shape (count, units), padded. Must not overlap `x`.
        func stepSequence(_ count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplySequence(x, steps: count, addedTo: bias, into: y)
            unsafe activation.apply(y, count: count * units, kernel.kernels)
        }

        /// Whether ``stepRows(x:y:)`` is possible.
        var canStepRows: Bool { kernel.canMultiplyRows && activation.isElementwise }

        /// Steps every lane through one timestep, from inputs that are not in a tile.
        ///
        /// - Parameters:
        ///   - x: Shape (lanes, features).
        ///   - y: Shape (units, lanes). Must not overlap `x`.
        func stepRows(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyRows(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units * kernel.kernels.lanes, kernel.kernels)
        }
    }
}

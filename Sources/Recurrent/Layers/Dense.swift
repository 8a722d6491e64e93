/// A fully connected layer, applied to each timestep. It keeps no state.
public struct Dense: Equatable, Sendable {
    /// The width of the output.
    public let units: Int
    /// The function applied to each output.
    public let activation: Activation
    /// Shape (features, units).
    public let kernel: Tensor
    /// Shape (units); nil where the layer has no bias.
    public let bias: Tensor?

    /// The width of one timestep of the layer's input.
    public var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the output, at least 1.
    ///   - activation: Keras' `activation`.
    ///   - kernel: Shape (features, units).
    ///   - bias: Shape (units), or nil for none.
    /// - Throws: ``ModelError`` naming the weight whose shape does not fit, or that is not finite.
    public init(units: Int, activation: Activation, kernel: Tensor, bias: Tensor?) throws(ModelError) {
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
        "dense features=\(features) units=\(units) activation=\(activation.rawValue) use_bias=\(bias != nil)"
    }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.dense(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// Whether its outputs are so few that each is summed by itself, and not as a part of a vector.
    var hasFewColumns: Bool { units <= Kernels.mostDots }

    /// The layer as the hot path sees it: sizes and pointers into the model's weights, nothing to retain.
    @safe
    struct Step {
        let units: Int
        let activation: Activation
        /// Shape (features, units).
        let kernel: WeightMatrix
        /// Shape (units); zeros where the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: Dense, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            kernel = WeightMatrix(
                layer.kernel, layout: layer.hasFewColumns ? .columns : .vectors, in: &weights)
            unsafe bias = weights.append(layer.bias?.values ?? Array(repeating: 0, count: layer.units))
        }

        /// `y = activation(x·W + b)`, as Keras computes it (<https://keras.io/api/layers/core_layers/dense/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - y: The output, shape (units), with room for the padding. Must not overlap `x`.
        @inline(__always)
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiply(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units, kernel.kernels)
        }

        /// The same in each lane, where the activation is one of each value: x of shape (features, lanes), y of shape
        /// (units, lanes).
        func stepLanes(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units * kernel.kernels.lanes, kernel.kernels)
        }

        /// Whether ``step(_:x:y:)`` can be called and pays.
        var takesSteps: Bool { kernel.takesSteps && activation.isElementwise }

        /// The same of many timesteps that stand one after another: x of shape (count, features), y of shape (count, units), with
        /// room for the padding.
        func step(_ count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiply(x, steps: count, addedTo: bias, into: y)
            unsafe activation.apply(y, count: count * units, kernel.kernels)
        }

        /// Whether ``stepRows(x:y:)`` can be called.
        var takesRows: Bool { kernel.takesRows && activation.isElementwise }

        /// The same where the lanes' inputs stand one after another, of shape (lanes, features).
        func stepRows(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyRows(x, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units * kernel.kernels.lanes, kernel.kernels)
        }
    }
}

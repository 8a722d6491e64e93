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
        LayerStep(.dense(Step(self, weights: &weights)), of: self)
    }

    /// The layer as the hot path sees it: sizes and pointers into the model's weights, nothing to retain.
    @safe
    struct Step {
        let features: Int
        let units: Int
        let activation: Activation
        /// Shape (features, columns).
        let kernel: UnsafePointer<Float>
        /// Shape (columns); zeros where the layer has no bias.
        let bias: UnsafePointer<Float>
        /// The units, padded.
        let columns: Int
        let kernels: Kernels

        init(_ layer: Dense, weights: inout WeightBuffer) {
            features = layer.features
            units = layer.units
            activation = layer.activation
            unsafe kernel = weights.append(layer.kernel.values, columns: layer.units)
            unsafe bias = weights.append(layer.bias?.values ?? Array(repeating: 0, count: layer.units))
            columns = Kernels.padded(layer.units)
            kernels = weights.kernels
        }

        /// `y = activation(x·W + b)`, as Keras computes it (<https://keras.io/api/layers/core_layers/dense/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - y: The output, shape (units), with room for `columns`. Must not overlap `x`.
        @inline(__always)
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe kernels.affine(y, b: bias, x: x, rows: features, w: kernel, columns: columns)
            unsafe activation.apply(y, count: units, kernels)
        }
    }
}

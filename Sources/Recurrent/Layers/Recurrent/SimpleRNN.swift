/// A fully connected recurrent layer, whose output is its next input: Keras' SimpleRNN.
///
/// State, one a stream: hidden state h, `units` floats.
public struct SimpleRNN: Equatable, Sendable {
    /// The width of the hidden state.
    public let units: Int
    /// The activation of the hidden state.
    public let activation: Activation
    /// What the layer gives at a masked timestep.
    public let maskedOutput: MaskedOutput
    /// Input weights, shape (features, units).
    public let kernel: Tensor
    /// Recurrent weights, shape (units, units).
    public let recurrentKernel: Tensor
    /// Shape (units); nil where the layer has no bias.
    public let bias: Tensor?

    /// The width of one timestep of the layer's input.
    public var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`, a function of one value.
    ///   - kernel: Shape (features, units).
    ///   - recurrentKernel: Shape (units, units).
    ///   - bias: Shape (units), or nil for none.
    ///   - maskedOutput: What the layer gives at a masked timestep.
    /// - Throws: ``ModelError`` naming the weight whose shape does not fit, or that is not finite.
    public init(
        units: Int, activation: Activation = .tanh, kernel: Tensor, recurrentKernel: Tensor, bias: Tensor?,
        maskedOutput: MaskedOutput = .lastOutput
    ) throws(ModelError) {
        try activation.checkElementwise("activation")
        try kernel.checkKernel(units: units)
        try recurrentKernel.check(shape: [units, units], of: "recurrent_kernel")
        try bias?.check(shape: [units], of: "bias")
        self.units = units
        self.activation = activation
        self.kernel = kernel
        self.recurrentKernel = recurrentKernel
        self.bias = bias
        self.maskedOutput = maskedOutput
    }
}

extension SimpleRNN: RecurrentLayer {
    package var weights: [Tensor] { [kernel, recurrentKernel] + [bias].compactMap(\.self) }
    package var architecture: String {
        "simple_rnn features=\(features) units=\(units) activation=\(activation.rawValue) use_bias=\(bias != nil)"
            + maskedOutput.architecture
    }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            .simpleRNN(weights.place(Step(self, weights: &weights))), of: self, stateSize: units,
            scratchSize: Kernels.padded(units),
            scratchSizeOfLanes: Kernels.padded(units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The layer as the hot path sees it: sizes and pointers into the model's weights, nothing to retain.
    @safe
    struct Step {
        let units: Int
        let activation: Activation
        /// Shape (features, units).
        let kernel: WeightMatrix
        /// Shape (units, units).
        let recurrentKernel: WeightMatrix
        /// Shape (units); zeros where the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: SimpleRNN, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            kernel = WeightMatrix(layer.kernel, in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, in: &weights)
            unsafe bias = weights.append(layer.bias?.values ?? Array(repeating: 0, count: layer.units))
        }

        /// `h = activation(x·W + h·U + b)` (<https://keras.io/api/layers/recurrent_layers/simple_rnn/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state, shape (units); it is replaced, and is the layer's output.
        ///   - z: Scratch, shape (units), padded.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>
        ) {
            unsafe kernel.multiply(x, and: recurrentKernel, h, addedTo: bias, into: z)
            unsafe activation.apply(z, count: units, kernel.kernels)
            unsafe h.update(from: z, count: units)
        }

        /// The same in each lane: x of shape (features, lanes), h and z of shape (units, lanes).
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            let count = units * kernel.kernels.lanes
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, h, addedTo: bias, into: z)
            unsafe activation.apply(z, count: count, kernel.kernels)
            unsafe h.update(from: z, count: count)
        }
    }
}

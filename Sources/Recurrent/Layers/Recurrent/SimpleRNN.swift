/// A fully connected recurrent layer: Keras' SimpleRNN. Its output is its hidden state.
///
/// The state of one stream is the hidden state h: `units` floats.
package struct SimpleRNN: Equatable, Sendable {
    /// The width of the hidden state.
    package let units: Int
    /// The activation of the hidden state.
    package let activation: Activation
    /// The output at a masked timestep.
    package let maskedOutput: MaskedOutput
    /// Input weights W, shape (features, units).
    package let kernel: Tensor
    /// Recurrent weights U, shape (units, units).
    package let recurrentKernel: Tensor
    /// Shape (units); nil if the layer has no bias.
    package let bias: Tensor?

    /// The width of one timestep of the input.
    package var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`; must be elementwise.
    ///   - kernel: Shape (features, units).
    ///   - recurrentKernel: Shape (units, units).
    ///   - bias: Shape (units), or nil for none.
    ///   - maskedOutput: The output at a masked timestep.
    /// - Throws: ``ModelError`` if the activation is not elementwise, or if a weight has the wrong shape or is not
    ///   finite. The error names the option or the weight.
    package init(
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
        "simple_rnn features=\(features) units=\(units) activation=\(activation.name) use_bias=\(bias != nil)"
            + maskedOutput.architecture
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            .simpleRNN(weights.place(Step(self, weights: &weights))), of: self, stateSize: units,
            scratchSize: Kernels.padded(units),
            laneScratchSize: Kernels.padded(units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The step for any activation. It holds only sizes and pointers into the model's weights, so copying it needs no
    /// reference counting.
    ///
    /// ``ReferenceSimpleRNN`` states the equation.
    @safe
    struct Step {
        let units: Int
        let activation: Activation
        /// W, shape (features, units).
        let kernel: WeightMatrix
        /// U, shape (units, units).
        let recurrentKernel: WeightMatrix
        /// b, shape (units); zeros if the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: SimpleRNN, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            kernel = WeightMatrix(layer.kernel, in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, in: &weights)
            unsafe bias = weights.append(layer.biasOrZeros)
        }

        /// Steps one stream through one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state and the layer's output, shape (units); the step replaces it.
        ///   - z: Scratch, shape (units), padded.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>
        ) {
            unsafe kernel.multiply(x, and: recurrentKernel, h, addedTo: bias, into: z)
            unsafe activation.apply(z, count: units, kernel.kernels)
            unsafe h.update(from: z, count: units)
        }

        /// Steps every lane through one timestep.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - h: Shape (units, lanes); the step replaces it.
        ///   - z: Scratch, shape (units, lanes).
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            let count = units * kernel.kernels.lanes
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, h, addedTo: bias, into: z)
            unsafe activation.apply(z, count: count, kernel.kernels)
            unsafe h.update(from: z, count: count)
        }
    }

    /// b, shape (units).
    var biasOrZeros: [Float] { bias?.values ?? Array(repeating: 0, count: units) }
}

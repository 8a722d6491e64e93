/// A long short-term memory layer.
///
/// Weights have Keras' shapes and gate order: input i, forget f, candidate c, output o, each `units` wide.
/// The state of one stream is the hidden state h, then the cell state c: 2 · `units` floats.
package struct LSTM: Equatable, Sendable {
    /// The width of the hidden state and of the cell state.
    package let units: Int
    /// The activation of the candidate. It is also applied to the cell state to compute the output.
    package let activation: Activation
    /// The activation of the gates i, f and o.
    package let recurrentActivation: Activation
    /// The output at a masked timestep.
    package let maskedOutput: MaskedOutput
    /// Input weights W, shape (features, 4 · units).
    package let kernel: Tensor
    /// Recurrent weights U, shape (units, 4 · units).
    package let recurrentKernel: Tensor
    /// Shape (4 · units); nil if the layer has no bias.
    package let bias: Tensor?

    /// The width of one timestep of the input.
    package var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`; must be elementwise.
    ///   - recurrentActivation: Keras' `recurrent_activation`; must be elementwise.
    ///   - kernel: Shape (features, 4 · units), gates in the order i, f, c, o.
    ///   - recurrentKernel: Shape (units, 4 · units), gates in the same order.
    ///   - bias: Shape (4 · units), gates in the same order; nil for none.
    ///   - maskedOutput: The output at a masked timestep.
    /// - Throws: ``ModelError`` if an activation is not elementwise, or if a weight has the wrong shape or is not
    ///   finite. The error names the option or the weight.
    package init(
        units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid,
        kernel: Tensor, recurrentKernel: Tensor, bias: Tensor?,
        maskedOutput: MaskedOutput = .lastOutput
    ) throws(ModelError) {
        try activation.checkElementwise("activation")
        try recurrentActivation.checkElementwise("recurrent_activation")
        try kernel.checkKernel(units: units, gates: 4)
        try recurrentKernel.check(shape: [units, 4 * units], of: "recurrent_kernel")
        try bias?.check(shape: [4 * units], of: "bias")
        self.units = units
        self.activation = activation
        self.recurrentActivation = recurrentActivation
        self.kernel = kernel
        self.recurrentKernel = recurrentKernel
        self.bias = bias
        self.maskedOutput = maskedOutput
    }
}

extension LSTM: RecurrentLayer {
    package var weights: [Tensor] { [kernel, recurrentKernel] + [bias].compactMap(\.self) }
    package var architecture: String {
        "lstm features=\(features) units=\(units) activation=\(activation.name) "
            + "recurrent_activation=\(recurrentActivation.name) use_bias=\(bias != nil)" + maskedOutput.architecture
    }

    /// Whether the layer has Keras' default activations. Only then can one kernel compute the whole timestep.
    var hasDefaultActivations: Bool { activation == .tanh && recurrentActivation == .sigmoid }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            hasDefaultActivations
                ? .lstm(weights.place(Step(self, weights: &weights)))
                : .genericLSTM(weights.place(GenericStep(self, weights: &weights))),
            of: self, stateSize: 2 * units, scratchSize: Kernels.padded(4 * units),
            laneScratchSize: Kernels.padded(4 * units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The step for Keras' default activations. It holds only sizes and pointers into the model's weights, so copying
    /// it needs no reference counting.
    ///
    /// ``ReferenceLSTM`` states the equations.
    @safe
    struct Step {
        let units: Int
        /// W, shape (features, 4 · units), gates i, f, c, o, in panels.
        let kernel: WeightMatrix
        /// U, shape (units, 4 · units), gates i, f, c, o, in panels.
        let recurrentKernel: WeightMatrix
        /// b, shape (4 · units), gates i, f, c, o; zeros if the layer has no bias.
        let bias: UnsafePointer<Float>
        /// b in panels.
        let biasInPanels: UnsafePointer<Float>

        init(_ layer: LSTM, weights: inout WeightBuffer) {
            units = layer.units
            kernel = WeightMatrix(layer.kernel, layout: .panels(gates: 4), in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, layout: .panels(gates: 4), in: &weights)
            let values = layer.biasOrZeros
            unsafe bias = weights.append(values)
            unsafe biasInPanels = weights.append(weights.kernels.panels(of: values, gates: 4, units: layer.units))
        }

        /// Steps one stream through one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - state: h then c, shape (2 · units); the step replaces both. h is the layer's output.
        ///   - scratch: Shape (units), padded.
        /// - Returns: Whether the state is finite.
        @inline(__always)
        func callAsFunction(
            x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) -> Bool {
            unsafe kernel.kernels.lstm(
                state: state, b: biasInPanels, x: x, rows: kernel.rows, w: kernel.values, u: recurrentKernel.values,
                units: units, next: scratch)
        }

        /// Steps one stream through a sequence of timesteps, up to the first that makes the state non-finite.
        ///
        /// - Parameters:
        ///   - steps: The number of timesteps.
        ///   - x: The inputs, shape (steps, features).
        ///   - state: h then c, shape (2 · units); the step replaces both.
        ///   - outputs: Receives h after each timestep, shape (steps, units), with room for `Kernels.padding` more.
        /// - Returns: The number of timesteps that left the state finite. If this number is less than `steps`, the next
        ///   timestep was also stepped and made the state non-finite.
        func stepSequence(
            _ steps: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
            outputs: UnsafeMutablePointer<Float>
        ) -> Int {
            unsafe kernel.kernels.lstmSequence(
                state: state, b: biasInPanels, x: x, rows: kernel.rows, w: kernel.values, u: recurrentKernel.values,
                units: units, outputs: outputs, steps: steps)
        }

        /// Steps every lane through one timestep.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - state: h then c, shape (2 · units, lanes); the step replaces both.
        ///   - z: Scratch, shape (4 · units, lanes).
        func stepLanes(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe kernel.kernels.lstmLanes(state: state, z: z, units: units)
        }
    }

    /// The step for any activations.
    @safe
    struct GenericStep {
        let units: Int
        let activation: Activation
        let recurrentActivation: Activation
        /// W, shape (features, 4 · units), gates i, f, c, o.
        let kernel: WeightMatrix
        /// U, shape (units, 4 · units), gates i, f, c, o.
        let recurrentKernel: WeightMatrix
        /// b, shape (4 · units), gates i, f, c, o; zeros if the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: LSTM, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            recurrentActivation = layer.recurrentActivation
            kernel = WeightMatrix(layer.kernel, in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, in: &weights)
            unsafe bias = weights.append(layer.biasOrZeros)
        }

        /// Steps one stream through one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - state: h then c, shape (2 · units); the step replaces both. h is the layer's output.
        ///   - z: Scratch, shape (4 · units), padded.
        func callAsFunction(
            x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>
        ) {
            unsafe kernel.multiply(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe applyGates(state: state, z: z, units: units)
        }

        /// Steps every lane through one timestep. The arguments have the same shapes as for
        /// ``LSTM/Step/stepLanes(x:state:z:)``.
        func stepLanes(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe applyGates(state: state, z: z, units: units * kernel.kernels.lanes)
        }

        /// Computes the new state from the gates' sums. The arithmetic is elementwise, so the values of all lanes can
        /// be computed like those of one layer with more units.
        private func applyGates(state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>, units: Int) {
            let h = unsafe state
            let c = unsafe state + units
            for k in 0..<units {
                let i = unsafe recurrentActivation(z[k])
                let f = unsafe recurrentActivation(z[units + k])
                let candidate = unsafe activation(z[2 * units + k])
                let o = unsafe recurrentActivation(z[3 * units + k])
                unsafe c[k] = f * c[k] + i * candidate
                unsafe h[k] = o * activation(c[k])
            }
        }
    }

    /// b, shape (4 · units), gates i, f, c, o.
    var biasOrZeros: [Float] { bias?.values ?? Array(repeating: 0, count: 4 * units) }
}

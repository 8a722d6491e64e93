/// A long short-term memory layer, stepped one timestep at a time.
///
/// Weights have Keras' shapes and Keras' gate order: input i, forget f, candidate c, output o, each `units` wide.
/// State, one a stream: hidden state h, then cell state c, 2 · `units` floats.
public struct LSTM: Equatable, Sendable {
    /// The width of the hidden state and of the cell state.
    public let units: Int
    /// The activation of the candidate and of the cell state on its way out.
    public let activation: Activation
    /// The activation of the gates i, f and o.
    public let recurrentActivation: Activation
    /// What the layer gives at a masked timestep.
    public let maskedOutput: MaskedOutput
    /// Input weights, shape (features, 4 · units).
    public let kernel: Tensor
    /// Recurrent weights, shape (units, 4 · units).
    public let recurrentKernel: Tensor
    /// Shape (4 · units); nil where the layer has no bias.
    public let bias: Tensor?

    /// The width of one timestep of the layer's input.
    public var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`, a function of one value.
    ///   - recurrentActivation: Keras' `recurrent_activation`, a function of one value.
    ///   - kernel: Shape (features, 4 · units), gates in the order i, f, c, o.
    ///   - recurrentKernel: Shape (units, 4 · units).
    ///   - bias: Shape (4 · units), or nil for none.
    ///   - maskedOutput: What the layer gives at a masked timestep.
    /// - Throws: ``ModelError`` naming the weight whose shape does not fit, or that is not finite.
    public init(
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
        "lstm features=\(features) units=\(units) activation=\(activation.rawValue) "
            + "recurrent_activation=\(recurrentActivation.rawValue) use_bias=\(bias != nil)" + maskedOutput.architecture
    }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        let isUsual = activation == .tanh && recurrentActivation == .sigmoid
        return unsafe LayerStep(
            isUsual
                ? .lstm(weights.place(Step(self, weights: &weights)))
                : .lstmOfOtherActivations(weights.place(StepOfOtherActivations(self, weights: &weights))),
            of: self, stateSize: 2 * units, scratchSize: Kernels.padded(4 * units),
            scratchSizeOfLanes: Kernels.padded(4 * units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The layer as the hot path sees it, with Keras' usual activations: sizes and pointers into the model's weights, nothing
    /// to retain.
    ///
    /// One timestep is, as Keras computes it (<https://keras.io/api/layers/recurrent_layers/lstm/>):
    ///
    ///     z = x·W + h·U + b            four gates side by side: i, f, c, o
    ///     c = σ(zf) ⊙ c + σ(zi) ⊙ tanh(zc)
    ///     h = σ(zo) ⊙ tanh(c)
    @safe
    struct Step {
        let units: Int
        /// Shape (features, 4 · units), gates i, f, c, o, in panels.
        let kernel: WeightMatrix
        /// Shape (units, 4 · units), in panels.
        let recurrentKernel: WeightMatrix
        /// Shape (4 · units); zeros where the layer has no bias.
        let bias: UnsafePointer<Float>
        /// The same in panels.
        let biasInPanels: UnsafePointer<Float>

        init(_ layer: LSTM, weights: inout WeightBuffer) {
            units = layer.units
            kernel = WeightMatrix(layer.kernel, layout: .panels(gates: 4), in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, layout: .panels(gates: 4), in: &weights)
            let values = layer.biasOrZeros
            unsafe bias = weights.append(values)
            unsafe biasInPanels = weights.append(weights.kernels.panels(of: values, gates: 4, units: layer.units))
        }

        /// Takes one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - state: h then c, shape (2 · units); both are replaced. h is the layer's output.
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

        /// Takes timesteps, one after another until the state is not finite.
        ///
        /// - Parameters:
        ///   - steps: How many.
        ///   - x: The inputs, shape (steps, features).
        ///   - state: As for one timestep.
        ///   - outputs: Where h after each goes, shape (steps, units), with room for `Kernels.padding` more.
        /// - Returns: How many left the state finite; where that is not all of them, one more was taken.
        func takeAll(
            _ steps: Int, x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
            outputs: UnsafeMutablePointer<Float>
        ) -> Int {
            unsafe kernel.kernels.lstmOfAll(
                state: state, b: biasInPanels, x: x, rows: kernel.rows, w: kernel.values, u: recurrentKernel.values,
                units: units, outputs: outputs, steps: steps)
        }

        /// The same in each lane.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - state: Shape (2 · units, lanes).
        ///   - z: Scratch, shape (4 · units, lanes).
        func stepLanes(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe kernel.kernels.lstmOfLanes(state: state, z: z, units: units)
        }
    }

    /// The same with other activations.
    @safe
    struct StepOfOtherActivations {
        let units: Int
        let activation: Activation
        let recurrentActivation: Activation
        /// Shape (features, 4 · units), gates i, f, c, o.
        let kernel: WeightMatrix
        /// Shape (units, 4 · units).
        let recurrentKernel: WeightMatrix
        /// Shape (4 · units); zeros where the layer has no bias.
        let bias: UnsafePointer<Float>

        init(_ layer: LSTM, weights: inout WeightBuffer) {
            units = layer.units
            activation = layer.activation
            recurrentActivation = layer.recurrentActivation
            kernel = WeightMatrix(layer.kernel, in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, in: &weights)
            unsafe bias = weights.append(layer.biasOrZeros)
        }

        /// Takes one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - state: h then c, shape (2 · units); both are replaced. h is the layer's output.
        ///   - z: Scratch, shape (4 · units), padded.
        func callAsFunction(
            x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>
        ) {
            unsafe kernel.multiply(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe gate(state: state, z: z, units: units)
        }

        /// The same in each lane, as ``LSTM/Step/stepLanes(x:state:z:)``.
        func stepLanes(x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>) {
            unsafe kernel.multiplyLanes(x, and: recurrentKernel, state, addedTo: bias, into: z)
            unsafe gate(state: state, z: z, units: units * kernel.kernels.lanes)
        }

        /// The end of a timestep, value by value, so that many lanes are as one layer of more units.
        private func gate(state: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>, units: Int) {
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

    /// Shape (4 · units).
    private var biasOrZeros: [Float] { bias?.values ?? Array(repeating: 0, count: 4 * units) }
}

/// A gated recurrent unit layer, stepped one timestep at a time.
///
/// Weights have Keras' shapes and Keras' gate order: update z, reset r, candidate h, each `units` wide.
/// State, one a stream: hidden state h, `units` floats.
public struct GRU: Equatable, Sendable {
    /// The width of the hidden state.
    public let units: Int
    /// The activation of the candidate.
    public let activation: Activation
    /// The activation of the gates z and r.
    public let recurrentActivation: Activation
    /// Whether the reset gate acts on what the recurrent weights give, and not on the hidden state before them.
    public let resetsAfter: Bool
    /// What the layer gives at a masked timestep.
    public let maskedOutput: MaskedOutput
    /// Input weights, shape (features, 3 · units).
    public let kernel: Tensor
    /// Recurrent weights, shape (units, 3 · units).
    public let recurrentKernel: Tensor
    /// Shape (2, 3 · units), of the input and of the recurrent weights, where the layer resets after them, else shape
    /// (3 · units); nil where the layer has no bias.
    public let bias: Tensor?

    /// The width of one timestep of the layer's input.
    public var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`, a function of one value.
    ///   - recurrentActivation: Keras' `recurrent_activation`, a function of one value.
    ///   - resetsAfter: Keras' `reset_after`.
    ///   - kernel: Shape (features, 3 · units), gates in the order z, r, h.
    ///   - recurrentKernel: Shape (units, 3 · units).
    ///   - bias: Shape (2, 3 · units) or (3 · units), as ``bias`` has it, or nil for none.
    ///   - maskedOutput: What the layer gives at a masked timestep.
    /// - Throws: ``ModelError`` naming the weight whose shape does not fit, or that is not finite.
    public init(
        units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid,
        resetsAfter: Bool = true, kernel: Tensor, recurrentKernel: Tensor, bias: Tensor?,
        maskedOutput: MaskedOutput = .lastOutput
    ) throws(ModelError) {
        try activation.checkElementwise("activation")
        try recurrentActivation.checkElementwise("recurrent_activation")
        try kernel.checkKernel(units: units, gates: 3)
        try recurrentKernel.check(shape: [units, 3 * units], of: "recurrent_kernel")
        try bias?.check(shape: resetsAfter ? [2, 3 * units] : [3 * units], of: "bias")
        self.units = units
        self.activation = activation
        self.recurrentActivation = recurrentActivation
        self.resetsAfter = resetsAfter
        self.kernel = kernel
        self.recurrentKernel = recurrentKernel
        self.bias = bias
        self.maskedOutput = maskedOutput
    }
}

extension GRU: RecurrentLayer {
    package var weights: [Tensor] { [kernel, recurrentKernel] + [bias].compactMap(\.self) }
    package var architecture: String {
        "gru features=\(features) units=\(units) activation=\(activation.rawValue) "
            + "recurrent_activation=\(recurrentActivation.rawValue) reset_after=\(resetsAfter) "
            + "use_bias=\(bias != nil)" + maskedOutput.architecture
    }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        LayerStep(
            .gru(Step(self, weights: &weights)), of: self, stateSize: units, scratchSize: 4 * units,
            whenMasked: maskedOutput.whenMasked)
    }

    /// The layer as the hot path sees it: sizes and pointers into the model's weights, nothing to retain.
    @safe
    struct Step {
        let features: Int
        let units: Int
        let activation: Activation
        let recurrentActivation: Activation
        let resetsAfter: Bool
        /// W, shape (features, 3 · units), gates z, r, h.
        let kernel: UnsafePointer<Float>
        /// U of the gates z and r, shape (units, 2 · units).
        let gateKernel: UnsafePointer<Float>
        /// U of the candidate, shape (units, units).
        let candidateKernel: UnsafePointer<Float>
        /// b, shape (3 · units), then b′, shape (3 · units); zeros where the layer has none.
        let bias: UnsafePointer<Float>

        init(_ layer: GRU, weights: inout WeightBuffer) {
            let units = layer.units
            features = layer.features
            self.units = units
            activation = layer.activation
            recurrentActivation = layer.recurrentActivation
            resetsAfter = layer.resetsAfter
            let recurrentRows = (0..<units).map { layer.recurrentKernel.values[($0 * 3 * units)...].prefix(3 * units) }
            let bias = layer.bias?.values ?? []
            unsafe kernel = weights.append(layer.kernel.values)
            unsafe gateKernel = weights.append(recurrentRows.flatMap { $0.prefix(2 * units) })
            unsafe candidateKernel = weights.append(recurrentRows.flatMap { $0.suffix(units) })
            unsafe self.bias = weights.append(bias + Array(repeating: 0, count: 6 * units - bias.count))
        }

        /// One timestep, as Keras computes it (<https://keras.io/api/layers/recurrent_layers/gru/>):
        ///
        ///     z = σ(x·Wz + bz + h·Uz + b′z)
        ///     r = σ(x·Wr + br + h·Ur + b′r)
        ///     g = tanh(x·Wh + bh + r ⊙ (h·Uh + b′h))       where the layer resets after the recurrent weights
        ///     g = tanh(x·Wh + bh + (r ⊙ h)·Uh)             else
        ///     h = z ⊙ h + (1 − z) ⊙ g
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state, shape (units); it is replaced, and is the layer's output.
        ///   - z: Scratch, shape (4 · units): z, r, g, and what the reset gate acts on.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, z: UnsafeMutablePointer<Float>
        ) {
            let r = unsafe z + units
            let g = unsafe z + 2 * units
            let reset = unsafe z + 3 * units
            let recurrentBias = unsafe bias + 3 * units
            unsafe z.update(from: bias, count: 3 * units)
            unsafe accumulate(z, input: x, rows: features, matrix: kernel, columns: 3 * units)
            unsafe accumulate(z, input: h, rows: units, matrix: gateKernel, columns: 2 * units)
            for k in 0..<2 * units {
                unsafe z[k] = recurrentActivation(z[k] + recurrentBias[k])
            }
            if resetsAfter {
                unsafe reset.update(from: recurrentBias + 2 * units, count: units)
                unsafe accumulate(reset, input: h, rows: units, matrix: candidateKernel, columns: units)
                for k in 0..<units {
                    unsafe g[k] += r[k] * reset[k]
                }
            } else {
                for k in 0..<units {
                    unsafe reset[k] = r[k] * h[k]
                }
                unsafe accumulate(g, input: reset, rows: units, matrix: candidateKernel, columns: units)
            }
            for k in 0..<units {
                unsafe h[k] = z[k] * h[k] + (1 - z[k]) * activation(g[k])
            }
        }
    }
}

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
        let isUsual = resetsAfter && activation == .tanh && recurrentActivation == .sigmoid
        return unsafe LayerStep(
            isUsual
                ? .gru(weights.place(Step(self, weights: &weights)))
                : .gruOfOtherKind(weights.place(StepOfOtherKind(self, weights: &weights))),
            of: self, stateSize: units, scratchSize: Step.scratchSize(units: units),
            scratchSizeOfLanes: Step.scratchSize(units: units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The layer as the hot path sees it, with Keras' usual activations and reset: sizes and pointers into the model's
    /// weights, nothing to retain.
    ///
    /// One timestep is, as Keras computes it (<https://keras.io/api/layers/recurrent_layers/gru/>):
    ///
    ///     z = σ(x·Wz + bz + h·Uz + b′z)
    ///     r = σ(x·Wr + br + h·Ur + b′r)
    ///     g = tanh(x·Wh + bh + r ⊙ (h·Uh + b′h))       where the layer resets after the recurrent weights
    ///     g = tanh(x·Wh + bh + (r ⊙ h)·Uh)             else
    ///     h = z ⊙ h + (1 − z) ⊙ g
    @safe
    struct Step {
        let units: Int
        /// W, shape (features, 3 · units), gates z, r, h, in panels.
        let kernel: WeightMatrix
        /// U, shape (units, 3 · units), in panels.
        let recurrentKernel: WeightMatrix
        /// b, shape (3 · units); zeros where the layer has none.
        let bias: UnsafePointer<Float>
        /// b′, shape (3 · units); zeros where the layer has none.
        let recurrentBias: UnsafePointer<Float>
        /// Both in panels.
        let biasesInPanels: (UnsafePointer<Float>, UnsafePointer<Float>)

        init(_ layer: GRU, weights: inout WeightBuffer) {
            units = layer.units
            kernel = WeightMatrix(layer.kernel, layout: .panels(gates: 3), in: &weights)
            recurrentKernel = WeightMatrix(layer.recurrentKernel, layout: .panels(gates: 3), in: &weights)
            let kernels = weights.kernels
            let biases = layer.biasesOrZeros
            unsafe bias = weights.append(biases.0)
            unsafe recurrentBias = weights.append(biases.1)
            unsafe biasesInPanels = (
                weights.append(kernels.panels(of: biases.0, gates: 3, units: layer.units)),
                weights.append(kernels.panels(of: biases.1, gates: 3, units: layer.units))
            )
        }

        /// Where in the scratch stands what the hidden state gives.
        static func recurrentOffset(units: Int) -> Int { Kernels.padded(3 * units) }

        static func scratchSize(units: Int) -> Int { 2 * recurrentOffset(units: units) }

        /// Takes one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state, shape (units); it is replaced, and is the layer's output.
        ///   - scratch: Shape (units), padded.
        /// - Returns: Whether the state is finite.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) -> Bool {
            unsafe kernel.kernels.gru(
                h: h, b: biasesInPanels.0, recurrentB: biasesInPanels.1, x: x, rows: kernel.rows, w: kernel.values,
                u: recurrentKernel.values, units: units, next: scratch)
        }

        /// Takes timesteps, as ``LSTM/Step/takeAll(_:x:state:outputs:)``.
        func takeAll(
            _ steps: Int, x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>,
            outputs: UnsafeMutablePointer<Float>
        ) -> Int {
            unsafe kernel.kernels.gruOfAll(
                h: h, b: biasesInPanels.0, recurrentB: biasesInPanels.1, x: x, rows: kernel.rows, w: kernel.values,
                u: recurrentKernel.values, units: units, outputs: outputs, steps: steps)
        }

        /// The same in each lane.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - h: Shape (units, lanes).
        ///   - scratch: What the input gives, then what the hidden state gives, each of shape (3 · units, lanes).
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
            let b = unsafe scratch + Self.recurrentOffset(units: units * kernel.kernels.lanes)
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: scratch)
            unsafe recurrentKernel.multiplyLanes(h, addedTo: recurrentBias, into: b)
            unsafe kernel.kernels.gruOfLanes(h: h, a: scratch, b: b, units: units)
        }
    }

    /// The same with other activations, or with a reset before the recurrent weights.
    @safe
    struct StepOfOtherKind {
        let units: Int
        let activation: Activation
        let recurrentActivation: Activation
        let resetsAfter: Bool
        /// W, shape (features, 3 · units), gates z, r, h.
        let kernel: WeightMatrix
        /// U, shape (units, 3 · units); where the layer resets before it, of the gates z and r only.
        let recurrentKernel: WeightMatrix
        /// U of the candidate, shape (units, units), where the layer resets before it.
        let candidateKernel: WeightMatrix
        /// b, shape (3 · units); zeros where the layer has none.
        let bias: UnsafePointer<Float>
        /// b′, shape (3 · units); zeros where the layer has none.
        let recurrentBias: UnsafePointer<Float>

        init(_ layer: GRU, weights: inout WeightBuffer) {
            let units = layer.units
            self.units = units
            activation = layer.activation
            recurrentActivation = layer.recurrentActivation
            resetsAfter = layer.resetsAfter
            let recurrent = layer.recurrentKernel.values
            let rows = (0..<units).map { recurrent[($0 * 3 * units)...].prefix(3 * units) }
            kernel = WeightMatrix(layer.kernel, in: &weights)
            recurrentKernel =
                resetsAfter
                ? WeightMatrix(layer.recurrentKernel, in: &weights)
                : WeightMatrix(rows.flatMap { $0.prefix(2 * units) }, columns: 2 * units, in: &weights)
            candidateKernel = WeightMatrix(
                resetsAfter ? [] : rows.flatMap { $0.suffix(units) }, columns: units, in: &weights)
            let biases = layer.biasesOrZeros
            unsafe bias = weights.append(biases.0)
            unsafe recurrentBias = weights.append(biases.1)
        }

        /// Takes one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state, shape (units); it is replaced, and is the layer's output.
        ///   - scratch: What the input gives, then what the hidden state gives.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let a = unsafe scratch
            let b = unsafe a + Step.recurrentOffset(units: units)
            unsafe kernel.multiply(x, addedTo: bias, into: a)
            // Only zeros, in a layer that has but one bias.
            unsafe recurrentKernel.multiply(h, addedTo: recurrentBias, into: b)
            if resetsAfter {
                unsafe gate(h: h, a: a, b: b, units: units)
            } else {
                unsafe resetBefore(h: h, a: a, b: b)
            }
        }

        /// The same in each lane, of a layer that resets after the recurrent weights; as ``GRU/Step/stepLanes(x:h:scratch:)``.
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
            let values = units * kernel.kernels.lanes
            let b = unsafe scratch + Step.recurrentOffset(units: values)
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: scratch)
            unsafe recurrentKernel.multiplyLanes(h, addedTo: recurrentBias, into: b)
            unsafe gate(h: h, a: scratch, b: b, units: values)
        }

        /// The end of a timestep, value by value, so that many lanes are as one layer of more units.
        private func gate(
            h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>, units: Int
        ) {
            for k in 0..<units {
                let z = unsafe recurrentActivation(a[k] + b[k])
                let r = unsafe recurrentActivation(a[units + k] + b[units + k])
                let g = unsafe activation(a[2 * units + k] + r * b[2 * units + k])
                unsafe h[k] = z * h[k] + (1 - z) * g
            }
        }

        /// The rest of a timestep of a layer that resets before the recurrent weights: `a` holds what the input gives, `b` what
        /// the hidden state gives to z and r.
        private func resetBefore(
            h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>
        ) {
            let g = unsafe a + 2 * units
            for k in 0..<2 * units {
                unsafe a[k] = recurrentActivation(a[k] + b[k])
            }
            for k in 0..<units {
                unsafe a[units + k] *= h[k]
            }
            unsafe candidateKernel.multiply(a + units, addedTo: recurrentBias, into: b)
            for k in 0..<units {
                let z = unsafe a[k]
                unsafe h[k] = z * h[k] + (1 - z) * activation(g[k] + b[k])
            }
        }
    }

    /// b and b′, shape (3 · units) each.
    private var biasesOrZeros: ([Float], [Float]) {
        let biases = (bias?.values ?? []) + Array(repeating: 0, count: 6 * units)
        return (Array(biases.prefix(3 * units)), Array(biases.dropFirst(3 * units).prefix(3 * units)))
    }
}

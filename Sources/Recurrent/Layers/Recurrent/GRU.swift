/// A gated recurrent unit layer.
///
/// Weights have Keras' shapes and gate order: update z, reset r, candidate h, each `units` wide.
/// The state of one stream is the hidden state h: `units` floats.
package struct GRU: Equatable, Sendable {
    /// The width of the hidden state.
    package let units: Int
    /// The activation of the candidate.
    package let activation: Activation
    /// The activation of the gates z and r.
    package let recurrentActivation: Activation
    /// Whether the reset gate acts after the recurrent weights, on h·U; otherwise it acts on h before them.
    package let resetsAfter: Bool
    /// The output at a masked timestep.
    package let maskedOutput: MaskedOutput
    /// Input weights W, shape (features, 3 · units).
    package let kernel: Tensor
    /// Recurrent weights U, shape (units, 3 · units).
    package let recurrentKernel: Tensor
    /// Shape (2, 3 · units) if the reset gate acts after the recurrent weights: the bias of W, then the bias of U.
    /// Otherwise, shape (3 · units). Nil if the layer has no bias.
    package let bias: Tensor?

    /// The width of one timestep of the input.
    package var features: Int { kernel.shape[0] }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The width of the hidden state, at least 1.
    ///   - activation: Keras' `activation`; must be elementwise.
    ///   - recurrentActivation: Keras' `recurrent_activation`; must be elementwise.
    ///   - resetsAfter: Keras' `reset_after`.
    ///   - kernel: Shape (features, 3 · units), gates in the order z, r, h.
    ///   - recurrentKernel: Shape (units, 3 · units), gates in the same order.
    ///   - bias: A tensor with the shape given for ``bias``, or nil for none.
    ///   - maskedOutput: The output at a masked timestep.
    /// - Throws: ``ModelError`` if an activation is not elementwise, or if a weight has the wrong shape or is not
    ///   finite. The error names the option or the weight.
    package init(
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
        "gru features=\(features) units=\(units) activation=\(activation.name) "
            + "recurrent_activation=\(recurrentActivation.name) reset_after=\(resetsAfter) "
            + "use_bias=\(bias != nil)" + maskedOutput.architecture
    }

    /// Whether the layer has Keras' default activations and `reset_after`. Only then can one kernel compute the whole
    /// timestep.
    var hasDefaultOptions: Bool { resetsAfter && activation == .tanh && recurrentActivation == .sigmoid }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(
            hasDefaultOptions
                ? .gru(weights.place(Step(self, weights: &weights)))
                : .genericGRU(weights.place(GenericStep(self, weights: &weights))),
            of: self, stateSize: units, scratchSize: Step.scratchSize(units: units),
            laneScratchSize: Step.scratchSize(units: units * weights.kernels.lanes),
            whenMasked: maskedOutput.whenMasked)
    }

    /// The step for Keras' default activations and `reset_after`. It holds only sizes and pointers into the model's
    /// weights, so copying it needs no reference counting.
    ///
    /// ``ReferenceGRU`` states the equations.
    @safe
    struct Step {
        let units: Int
        /// W, shape (features, 3 · units), gates z, r, h, in panels.
        let kernel: WeightMatrix
        /// U, shape (units, 3 · units), gates z, r, h, in panels.
        let recurrentKernel: WeightMatrix
        /// b, shape (3 · units), gates z, r, h; zeros if the layer has no bias.
        let bias: UnsafePointer<Float>
        /// b′, shape (3 · units), gates z, r, h; zeros if the layer has no bias.
        let recurrentBias: UnsafePointer<Float>
        /// b and b′ in panels.
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

        /// Returns the offset of the hidden-state sums in the scratch memory, where they follow the input sums.
        static func recurrentOffset(units: Int) -> Int { Kernels.padded(3 * units) }

        static func scratchSize(units: Int) -> Int { 2 * recurrentOffset(units: units) }

        /// Steps one stream through one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state and the layer's output, shape (units); the step replaces it.
        ///   - scratch: Shape (units), padded.
        /// - Returns: Whether the state is finite.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) -> Bool {
            unsafe kernel.kernels.gru(
                h: h, b: biasesInPanels.0, recurrentB: biasesInPanels.1, x: x, rows: kernel.rows, w: kernel.values,
                u: recurrentKernel.values, units: units, next: scratch)
        }

        /// Steps one stream through a sequence of timesteps, like ``LSTM/Step/stepSequence(_:x:state:outputs:)``.
        func stepSequence(
            _ steps: Int, x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>,
            outputs: UnsafeMutablePointer<Float>
        ) -> Int {
            unsafe kernel.kernels.gruSequence(
                h: h, b: biasesInPanels.0, recurrentB: biasesInPanels.1, x: x, rows: kernel.rows, w: kernel.values,
                u: recurrentKernel.values, units: units, outputs: outputs, steps: steps)
        }

        /// Steps every lane through one timestep.
        ///
        /// - Parameters:
        ///   - x: Shape (features, lanes).
        ///   - h: Shape (units, lanes); the step replaces it.
        ///   - scratch: Room for the input sums, then for the hidden-state sums, shape (3 · units, lanes) each.
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
            let b = unsafe scratch + Self.recurrentOffset(units: units * kernel.kernels.lanes)
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: scratch)
            unsafe recurrentKernel.multiplyLanes(h, addedTo: recurrentBias, into: b)
            unsafe kernel.kernels.gruLanes(h: h, a: scratch, b: b, units: units)
        }
    }

    /// The step for any activations, with the reset gate before or after the recurrent weights. If the reset gate acts
    /// before the recurrent weights, the candidate is:
    ///
    ///     g = activation(x·Wh + bh + (r ⊙ h)·Uh)
    @safe
    struct GenericStep {
        let units: Int
        let activation: Activation
        let recurrentActivation: Activation
        let resetsAfter: Bool
        /// W, shape (features, 3 · units), gates z, r, h.
        let kernel: WeightMatrix
        /// U, shape (units, 3 · units), gates z, r, h. If the reset gate acts before U, this is only the part for the
        /// gates z and r, shape (units, 2 · units).
        let recurrentKernel: WeightMatrix
        /// The candidate's part of U, shape (units, units), if the reset gate acts before U; otherwise empty.
        let candidateKernel: WeightMatrix
        /// b, shape (3 · units), gates z, r, h; zeros if the layer has no bias.
        let bias: UnsafePointer<Float>
        /// b′, shape (3 · units), gates z, r, h; zeros if the layer has no second bias.
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

        /// Steps one stream through one timestep.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - h: The state and the layer's output, shape (units); the step replaces it.
        ///   - scratch: Room for the input sums, then for the hidden-state sums, shape (3 · units) each, padded.
        func callAsFunction(
            x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let a = unsafe scratch
            let b = unsafe a + Step.recurrentOffset(units: units)
            unsafe kernel.multiply(x, addedTo: bias, into: a)
            unsafe recurrentKernel.multiply(h, addedTo: recurrentBias, into: b)
            if resetsAfter {
                unsafe applyGates(h: h, a: a, b: b, units: units)
            } else {
                unsafe applyGatesResettingBefore(h: h, a: a, b: b)
            }
        }

        /// Steps every lane through one timestep. The arguments have the same shapes as for
        /// ``GRU/Step/stepLanes(x:h:scratch:)``. The reset gate must act after the recurrent weights.
        func stepLanes(x: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
            let values = units * kernel.kernels.lanes
            let b = unsafe scratch + Step.recurrentOffset(units: values)
            unsafe kernel.multiplyLanes(x, addedTo: bias, into: scratch)
            unsafe recurrentKernel.multiplyLanes(h, addedTo: recurrentBias, into: b)
            unsafe applyGates(h: h, a: scratch, b: b, units: values)
        }

        /// Computes the new state from the input sums `a` and the hidden-state sums `b`. The arithmetic is elementwise,
        /// so the values of all lanes can be computed like those of one layer with more units.
        private func applyGates(
            h: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>, units: Int
        ) {
            for k in 0..<units {
                let z = unsafe recurrentActivation(a[k] + b[k])
                let r = unsafe recurrentActivation(a[units + k] + b[units + k])
                let g = unsafe activation(a[2 * units + k] + r * b[2 * units + k])
                unsafe h[k] = z * h[k] + (1 - z) * g
            }
        }

        /// Computes the new state if the reset gate acts before the recurrent weights. `a` holds the input sums. `b`
        /// holds the hidden-state sums of z and r.
        private func applyGatesResettingBefore(
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

    /// b and b′, shape (3 · units) each, gates z, r, h.
    var biasesOrZeros: ([Float], [Float]) {
        let biases = (bias?.values ?? []) + Array(repeating: 0, count: 6 * units)
        return (Array(biases.prefix(3 * units)), Array(biases.dropFirst(3 * units).prefix(3 * units)))
    }
}

/// A convolution over windows of timesteps: a fully connected layer whose input is the timesteps of one window.
///
/// The layer keeps no state, unless it is causal and has an output at every timestep. The state of one stream then
/// holds the last `window.span` - 1 timesteps, oldest first, each with ``features`` floats.
package struct Convolution: Equatable, Sendable {
    /// The number of filters: the width of the output.
    package let units: Int
    /// The windows.
    package let window: SlidingWindow
    /// The activation of the output.
    package let activation: Activation
    /// The number of groups. Each group of filters reads its own part of the features.
    package let groups: Int
    /// W, shape (window.size, features / groups, units).
    package let kernel: Tensor
    /// b, shape (units); nil if the layer has no bias.
    package let bias: Tensor?

    /// The width of one timestep of the input.
    package var features: Int { kernel.shape[1] * groups }

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - units: The number of filters, at least 1.
    ///   - window: The windows.
    ///   - activation: Keras' `activation`.
    ///   - groups: Keras' `groups`.
    ///   - kernel: Shape (window.size, features / groups, units).
    ///   - bias: Shape (units), or nil for none.
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite. The error names the weight.
    package init(
        units: Int, window: SlidingWindow, activation: Activation, groups: Int = 1, kernel: Tensor, bias: Tensor?
    ) throws(ModelError) {
        guard units >= 1, groups >= 1, units.isMultiple(of: groups) else {
            throw ModelError(code: .shape, context: "\(units) filters do not form \(groups) groups")
        }
        guard kernel.shape.count == 3, kernel.shape[1] >= 1 else {
            throw ModelError(
                code: .shape,
                context: "kernel has the shape \(kernel.shape), expected (\(window.size), features, \(units))")
        }
        try kernel.check(shape: [window.size, kernel.shape[1], units], of: "kernel")
        try bias?.check(shape: [units], of: "bias")
        self.units = units
        self.window = window
        self.activation = activation
        self.groups = groups
        self.kernel = kernel
        self.bias = bias
    }

    /// Whether every timestep has an output that depends on no later timestep.
    package var isCausal: Bool {
        window.stride == 1 && (window.padding == .causal || window.size == 1)
    }

    /// W as one matrix, shape (window.size · features, units). The weights between different groups are zeros.
    private var matrix: [Float] {
        guard groups > 1 else { return kernel.values }
        let (features, width, filters) = (features, kernel.shape[1], units / groups)
        var values = [Float](repeating: 0, count: window.size * features * units)
        for row in 0..<(window.size * width) {
            let (tap, feature) = row.quotientAndRemainder(dividingBy: width)
            for unit in 0..<units {
                let target = tap * features + unit / filters * width + feature
                values[target * units + unit] = kernel.values[row * units + unit]
            }
        }
        return values
    }
}

extension Convolution: Layer {
    package var weights: [Tensor] { [kernel] + [bias].compactMap(\.self) }
    package var architecture: String {
        "convolution features=\(features) units=\(units) \(window.architecture) activation=\(activation.name) "
            + "groups=\(groups) use_bias=\(bias != nil)"
    }
    /// Keras' layer destroys the mask.
    package var maskRule: MaskRule { .discards }
    package var hasGradient: Bool { false }
    package var perCall: PerCall? { window.size > 1 ? .convolution : nil }

    package func timesteps(of count: Int) -> Int? { window.count(in: count) }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        let matrix = WeightMatrix(
            matrix, columns: units, layout: units <= Kernels.maximumDots ? .columns : .vectors, in: &weights)
        let step = unsafe Step(
            features: features, units: units, window: window, activation: activation, kernel: matrix,
            bias: weights.append(bias?.values ?? Array(repeating: 0, count: units)))
        guard isCausal else { return LayerPass(.whole(Pass(step: step))) }
        return LayerPass(
            .forward(
                unsafe LayerStep(
                    .convolution(weights.place(step)), of: self, stateSize: step.stateSize,
                    scratchSize: step.rowSize + Kernels.padding)))
    }

    /// The layer's step. It holds only sizes and pointers into the model's weights, so copying it needs no reference
    /// counting.
    @safe
    struct Step {
        let features: Int
        let units: Int
        let window: SlidingWindow
        let activation: Activation
        /// W, shape (window.size · features, units).
        let kernel: WeightMatrix
        /// b, shape (units); zeros if the layer has no bias.
        let bias: UnsafePointer<Float>

        /// The number of values in one window.
        var rowSize: Int { window.size * features }

        /// The number of floats of state of a causal layer.
        var stateSize: Int { (window.span - 1) * features }

        /// Computes `y = activation(window·W + b)` for the window that ends with a timestep
        /// (<https://keras.io/api/layers/convolution_layers/convolution1d/>). Timesteps before the first one are zeros.
        ///
        /// - Parameters:
        ///   - x: The timestep, shape (features).
        ///   - state: The timesteps before it, shape (window.span - 1, features); the step replaces them.
        ///   - y: The output, shape (units), padded. Must not overlap `x`.
        ///   - scratch: Working memory, shape (``rowSize``), padded.
        func callAsFunction(
            x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
            scratch: UnsafeMutablePointer<Float>
        ) {
            for tap in 0..<(window.size - 1) {
                unsafe (scratch + tap * features).update(
                    from: state + tap * window.dilation * features, count: features)
            }
            unsafe (scratch + (window.size - 1) * features).update(from: x, count: features)
            unsafe kernel.multiply(scratch, addedTo: bias, into: y)
            unsafe activation.apply(y, count: units, kernel.kernels)
            guard stateSize > 0 else { return }
            unsafe state.update(from: state + features, count: stateSize - features)
            unsafe (state + stateSize - features).update(from: x, count: features)
        }

        /// Copies the timesteps of a window.
        ///
        /// - Parameters:
        ///   - start: The place of the window's first timestep, which may be before the sequence.
        ///   - x: The sequence, shape (count, features).
        ///   - count: The number of timesteps in the sequence.
        ///   - row: Receives the timesteps, shape (window.size, features), with zeros for those beyond the sequence.
        fileprivate func gather(
            _ start: Int, of x: UnsafePointer<Float>, count: Int, into row: UnsafeMutablePointer<Float>
        ) {
            for tap in 0..<window.size {
                let timestep = start + tap * window.dilation
                let target = unsafe row + tap * features
                if (0..<count).contains(timestep) {
                    unsafe target.update(from: x + timestep * features, count: features)
                } else {
                    unsafe target.update(repeating: 0, count: features)
                }
            }
        }
    }

    /// The layer's pass over a sequence.
    struct Pass: SequencePass {
        /// The number of windows to multiply at once, so that the processor reads the weights once for all of them.
        private static let rowsAtOnce = 32

        let step: Step

        func scratchSize(for count: Int) -> Int { Self.rowsAtOnce * step.rowSize }

        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let (window, units) = (step.window, step.units)
            let first = window.start(in: count)
            let windows = window.count(in: count) ?? 0
            for place in stride(from: 0, to: windows, by: Self.rowsAtOnce) {
                let rows = min(Self.rowsAtOnce, windows - place)
                for row in 0..<rows {
                    unsafe step.gather(
                        first + (place + row) * window.stride, of: x, count: count, into: scratch + row * step.rowSize)
                }
                unsafe multiply(scratch, rows: rows, into: y + place * units)
            }
        }

        /// Computes the outputs of several windows.
        private func multiply(_ scratch: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>) {
            let (kernel, activation, units) = (step.kernel, step.activation, step.units)
            if kernel.canMultiplySequence && activation.isElementwise {
                unsafe kernel.multiplySequence(scratch, steps: rows, addedTo: step.bias, into: y)
                unsafe activation.apply(y, count: rows * units, kernel.kernels)
                return
            }
            for row in 0..<rows {
                let target = unsafe y + row * units
                unsafe kernel.multiply(scratch + row * step.rowSize, addedTo: step.bias, into: target)
                unsafe activation.apply(target, count: units, kernel.kernels)
            }
        }
    }
}

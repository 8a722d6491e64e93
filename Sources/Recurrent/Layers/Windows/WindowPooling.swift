/// The maximum or the mean of each feature over windows of timesteps. The layer has no weights.
package struct WindowPooling: Equatable, Sendable {
    /// The value that stands for a window. The raw values are part of an ``Layer/architecture``.
    package enum Value: String, Sendable {
        /// The largest value.
        case maximum
        /// The mean of the window's timesteps, without those beyond the sequence.
        case average
    }

    /// The width of the input and of the output.
    package let units: Int
    /// The value that stands for a window.
    package let value: Value
    /// The windows.
    package let window: SlidingWindow

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - value: The value that stands for a window.
    ///   - window: The windows.
    /// - Throws: ``ModelError`` if `units` is less than 1.
    package init(units: Int, value: Value, window: SlidingWindow) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
        self.value = value
        self.window = window
    }
}

extension WindowPooling: Layer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String {
        "window_pooling units=\(units) value=\(value.rawValue) \(window.architecture)"
    }
    /// Keras' layer destroys the mask.
    package var maskRule: MaskRule { .discards }
    package var hasGradient: Bool { false }

    package func timesteps(of count: Int) -> Int? { window.count(in: count) }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass { LayerPass(.whole(Pass(layer: self))) }

    /// The layer's pass over a sequence.
    struct Pass: SequencePass {
        let layer: WindowPooling

        /// Computes the maximum or the mean of each window
        /// (<https://keras.io/api/layers/pooling_layers/max_pooling1d/>).
        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let (units, window) = (layer.units, layer.window)
            let first = window.start(in: count)
            for place in 0..<(window.count(in: count) ?? 0) {
                let start = first + place * window.stride
                let timesteps = max(0, start)..<min(count, start + window.size)
                let target = unsafe y + place * units
                unsafe target.update(from: x + timesteps.lowerBound * units, count: units)
                for timestep in timesteps.dropFirst() {
                    let source = unsafe x + timestep * units
                    switch layer.value {
                    case .maximum: for k in 0..<units { unsafe target[k] = max(target[k], source[k]) }
                    case .average: for k in 0..<units { unsafe target[k] += source[k] }
                    }
                }
                if layer.value == .average {
                    for k in 0..<units { unsafe target[k] /= Float(timesteps.count) }
                }
            }
        }
    }
}

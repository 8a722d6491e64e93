/// Zeros before and after a sequence, or fewer timesteps: Keras' ZeroPadding1D and Cropping1D. The layer has no weights.
package struct Padding: Equatable, Sendable {
    /// The width of the input and of the output.
    package let units: Int
    /// The number of zeros before the first timestep; below zero, the number of timesteps to drop there.
    package let before: Int
    /// The number of zeros after the last timestep; below zero, the number of timesteps to drop there.
    package let after: Int

    /// Creates a layer. Each parameter sets the property of the same name.
    ///
    /// - Throws: ``ModelError`` if `units` is less than 1.
    package init(units: Int, before: Int, after: Int) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
        self.before = before
        self.after = after
    }
}

extension Padding: Layer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "padding units=\(units) before=\(before) after=\(after)" }
    /// Keras' layers destroy the mask.
    package var maskRule: MaskRule { .discards }
    package var hasGradient: Bool { false }

    package func timesteps(of count: Int) -> Int? {
        let padded = count + before + after
        return padded >= 1 ? padded : nil
    }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass { LayerPass(.whole(Pass(layer: self))) }

    /// The layer's pass over a sequence.
    struct Pass: SequencePass {
        let layer: Padding

        /// Copies the timesteps that stay (<https://keras.io/api/layers/reshaping_layers/zero_padding1d/>).
        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let units = layer.units
            let (zeros, dropped) = (max(0, layer.before), max(0, -layer.before))
            let end = max(0, layer.after)
            let kept = count - dropped - max(0, -layer.after)
            unsafe y.update(repeating: 0, count: zeros * units)
            unsafe (y + zeros * units).update(from: x + dropped * units, count: kept * units)
            unsafe (y + (zeros + kept) * units).update(repeating: 0, count: end * units)
        }
    }
}

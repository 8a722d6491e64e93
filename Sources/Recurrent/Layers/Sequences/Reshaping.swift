/// The values of a sequence of fixed length, divided into other timesteps: Keras' Reshape and Flatten. The layer has no
/// weights.
package struct Reshaping: Equatable, Sendable {
    /// The width of one timestep of the input.
    package let features: Int
    /// The number of timesteps of the input; nil to take only the last timestep of any number.
    package let inputTimesteps: Int?
    /// The width of one timestep of the output.
    package let units: Int

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - features: The width of one timestep of the input, at least 1.
    ///   - inputTimesteps: The number of timesteps of the input; nil to take only the last timestep of any number.
    ///   - units: The width of one timestep of the output. It divides the number of values of the input.
    /// - Throws: ``ModelError`` if a number is less than 1, or if the output does not take up all values.
    package init(features: Int, inputTimesteps: Int?, units: Int) throws(ModelError) {
        try ModelError.check(units: units)
        let count = inputTimesteps ?? 1
        guard features >= 1, count >= 1, (features * count).isMultiple(of: units) else {
            throw ModelError(
                code: .shape, context: "\(count) timesteps of \(features) values do not form timesteps of \(units)")
        }
        self.features = features
        self.inputTimesteps = inputTimesteps
        self.units = units
    }
}

extension Reshaping: Layer {
    package var weights: [Tensor] { [] }
    package var architecture: String {
        "reshaping features=\(features) timesteps=\(inputTimesteps.map { "\($0)" } ?? "last") units=\(units)"
    }
    /// Keras' layers destroy the mask.
    package var maskRule: MaskRule { .discards }
    package var hasGradient: Bool { false }

    package func timesteps(of count: Int) -> Int? {
        guard let inputTimesteps else { return features / units }
        return count == inputTimesteps ? count * features / units : nil
    }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass { LayerPass(.whole(Pass(layer: self))) }

    /// The layer's pass over a sequence.
    struct Pass: SequencePass {
        let layer: Reshaping

        /// Copies the values, whose order stays the same (<https://keras.io/api/layers/reshaping_layers/reshape/>).
        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let taken = layer.inputTimesteps ?? 1
            unsafe y.update(from: x + (count - taken) * layer.features, count: taken * layer.features)
        }
    }
}

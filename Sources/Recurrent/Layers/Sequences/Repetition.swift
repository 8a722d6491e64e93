/// Copies of timesteps: Keras' RepeatVector and UpSampling1D. The layer has no weights.
package struct Repetition: Equatable, Sendable {
    /// The timesteps to repeat. The raw values are part of an ``Layer/architecture``.
    package enum Source: String, Sendable {
        /// The last timestep.
        case last
        /// Each timestep.
        case each
    }

    /// The width of the input and of the output.
    package let units: Int
    /// The timesteps to repeat.
    package let source: Source
    /// The number of copies of each repeated timestep.
    package let copies: Int

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - source: The timesteps to repeat.
    ///   - copies: The number of copies, at least 1.
    /// - Throws: ``ModelError`` if a number is less than 1.
    package init(units: Int, source: Source, copies: Int) throws(ModelError) {
        try ModelError.check(units: units)
        guard copies >= 1 else {
            throw ModelError(code: .shape, context: "the number of copies is \(copies), expected at least 1")
        }
        self.units = units
        self.source = source
        self.copies = copies
    }
}

extension Repetition: Layer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "repetition units=\(units) source=\(source.rawValue) copies=\(copies)" }
    /// Keras' layers destroy the mask.
    package var maskRule: MaskRule { .discards }
    package var hasGradient: Bool { false }

    package func timesteps(of count: Int) -> Int? { source == .last ? copies : count * copies }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass { LayerPass(.whole(Pass(layer: self))) }

    /// The layer's pass over a sequence.
    struct Pass: SequencePass {
        let layer: Repetition

        /// Copies the timesteps (<https://keras.io/api/layers/reshaping_layers/repeat_vector/>).
        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            let units = layer.units
            let sources = layer.source == .last ? (count - 1)..<count : 0..<count
            var target = unsafe y
            for timestep in sources {
                for _ in 0..<layer.copies {
                    unsafe target.update(from: x + timestep * units, count: units)
                    unsafe target += units
                }
            }
        }
    }
}

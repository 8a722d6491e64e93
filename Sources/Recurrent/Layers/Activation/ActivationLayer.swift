/// An activation by itself, applied to each timestep. It keeps no state and has no weights.
public struct ActivationLayer: Equatable, Sendable {
    /// The width of the input and of the output.
    public let units: Int
    /// The function.
    public let activation: Activation

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - units: The width of the input and of the output, at least 1.
    ///   - activation: The function; softmax goes over the whole width.
    /// - Throws: ``ModelError`` where there are no units.
    public init(units: Int, activation: Activation) throws(ModelError) {
        try ModelError.check(units: units)
        self.units = units
        self.activation = activation
    }
}

extension ActivationLayer: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [] }
    package var architecture: String { "activation units=\(units) activation=\(activation.rawValue)" }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.activation(weights.place(Step(self, weights.kernels))), of: self)
    }

    /// The layer as the hot path sees it.
    struct Step {
        let units: Int
        let activation: Activation
        let kernels: Kernels

        init(_ layer: ActivationLayer, _ kernels: Kernels) {
            self.kernels = kernels
            units = layer.units
            activation = layer.activation
        }

        /// `y = activation(x)` (<https://keras.io/api/layers/core_layers/activation/>), both of shape (units), y with room for
        /// `Kernels.padded(units)`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            unsafe y.update(from: x, count: units)
            unsafe activation.apply(y, count: units, kernels)
        }
    }
}

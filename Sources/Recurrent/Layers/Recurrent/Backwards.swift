/// A recurrent layer that takes the sequence from its last timestep to its first: Keras' `go_backwards`. Its outputs
/// come in that order too.
package struct Backwards: Sendable {
    /// The layer with its weights.
    package let layer: any RecurrentLayer

    /// Creates a layer.
    ///
    /// - Parameter layer: The layer that takes the timesteps in the other order.
    package init(_ layer: any RecurrentLayer) {
        self.layer = layer
    }
}

extension Backwards: Layer {
    package var features: Int { layer.features }
    package var units: Int { layer.units }
    package var weights: [Tensor] { layer.weights }
    package var architecture: String { "backwards \(layer.architecture)" }
    package var maskRule: MaskRule { layer.maskRule }

    package func pass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(.backwards(layer.step(in: &weights)))
    }
}

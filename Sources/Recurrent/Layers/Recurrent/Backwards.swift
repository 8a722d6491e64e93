/// A recurrent layer that reads the sequence from its last timestep to its first: Keras' `go_backwards`. Its outputs
/// are in the same reversed order.
package struct Backwards: Sendable {
    /// The layer with its weights.
    package let layer: any RecurrentLayer

    /// Reverses the direction of a layer.
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

    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(.backward(layer.makeStep(in: &weights)))
    }
}

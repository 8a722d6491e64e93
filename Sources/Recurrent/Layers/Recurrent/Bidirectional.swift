/// Two recurrent layers that read the same sequence in opposite directions, and the merge of their outputs: Keras'
/// Bidirectional.
package struct Bidirectional: Sendable {
    /// The way to combine the two outputs. The raw values are the values of Keras' `merge_mode`.
    package enum Merge: String, CaseIterable, Sendable {
        /// Side by side, the forward layer's output first.
        case concat
        /// The sum.
        case sum
        /// The mean.
        case ave
        /// The product.
        case mul
    }

    /// The layer that reads from the first timestep to the last.
    package let forward: any RecurrentLayer
    /// The layer that reads from the last timestep to the first.
    package let backward: any RecurrentLayer
    /// The way to combine the two outputs.
    package let merge: Merge
    /// Whether the layer has an output at every timestep, merged from both layers' outputs at that timestep. Otherwise
    /// it has one output, merged from the last output that each of the two layers computes.
    package let returnsSequences: Bool

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - forward: The layer that reads from the first timestep to the last.
    ///   - backward: The layer that reads from the last timestep to the first, with the same widths as `forward`.
    ///   - merge: The way to combine the two outputs.
    ///   - returnsSequences: Whether the layer has an output at every timestep.
    /// - Throws: ``ModelError`` if the widths of the two layers differ.
    package init(
        forward: any RecurrentLayer, backward: any RecurrentLayer, merge: Merge, returnsSequences: Bool
    ) throws(ModelError) {
        guard forward.features == backward.features, forward.units == backward.units else {
            throw ModelError(
                code: .shape,
                context:
                    "the forward layer takes \(forward.features) values and gives \(forward.units), but the backward "
                    + "layer takes \(backward.features) and gives \(backward.units)")
        }
        self.forward = forward
        self.backward = backward
        self.merge = merge
        self.returnsSequences = returnsSequences
    }
}

extension Bidirectional: Layer {
    package var features: Int { forward.features }
    package var units: Int { merge == .concat ? 2 * forward.units : forward.units }
    package var weights: [Tensor] { forward.weights + backward.weights }
    package var maskRule: MaskRule { .consumes }
    package func timesteps(of count: Int) -> Int? { returnsSequences ? count : 1 }
    package var architecture: String {
        "bidirectional merge=\(merge.rawValue) return_sequences=\(returnsSequences) forward=(\(forward.architecture)) "
            + "backward=(\(backward.architecture))"
    }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(
            .bidirectional(
                Pass(
                    forward: forward.makeStep(in: &weights), backward: backward.makeStep(in: &weights), merge: merge,
                    returnsSequences: returnsSequences)))
    }

    /// The form of the layer that the engine runs over a sequence.
    struct Pass {
        var forward: LayerStep
        var backward: LayerStep
        let merge: Merge
        let returnsSequences: Bool
    }
}

extension Bidirectional.Merge {
    /// Merges two outputs. For ``concat``, they are already side by side
    /// (<https://keras.io/api/layers/recurrent_layers/bidirectional/>).
    ///
    /// - Parameters:
    ///   - y: The forward layer's outputs; the merge replaces them.
    ///   - other: The backward layer's outputs.
    ///   - count: The number of values in each.
    func apply(_ y: UnsafeMutablePointer<Float>, _ other: UnsafePointer<Float>, count: Int) {
        switch self {
        case .concat: break
        case .sum: for k in 0..<count { unsafe y[k] += other[k] }
        case .ave: for k in 0..<count { unsafe y[k] = (y[k] + other[k]) / 2 }
        case .mul: for k in 0..<count { unsafe y[k] *= other[k] }
        }
    }
}

/// Two recurrent layers over the same sequence, one in each direction, and what is made of their outputs: Keras'
/// Bidirectional.
package struct Bidirectional: Sendable {
    /// What is made of the two outputs. The raw values are Keras' `merge_mode`.
    package enum Merge: String, CaseIterable, Sendable {
        /// One beside the other, the forward layer's first.
        case concat
        /// Their sum.
        case sum
        /// Their mean.
        case ave
        /// Their product.
        case mul
    }

    /// The layer that goes from the first timestep to the last.
    package let forward: any RecurrentLayer
    /// The layer that goes from the last timestep to the first.
    package let backward: any RecurrentLayer
    /// What is made of their outputs.
    package let merge: Merge
    /// Whether there is an output at every timestep, each of both layers' outputs there; else one, of what each layer gives at
    /// its own end.
    package let returnsSequences: Bool

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - forward: The layer that goes from the first timestep to the last.
    ///   - backward: The layer that goes from the last timestep to the first, as wide.
    ///   - merge: What is made of their outputs.
    ///   - returnsSequences: Whether there is an output at every timestep.
    /// - Throws: ``ModelError`` where the two layers take or give timesteps of other widths.
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
    package var maskRule: MaskRule { .heeds }
    package var architecture: String {
        "bidirectional merge=\(merge.rawValue) return_sequences=\(returnsSequences) forward=(\(forward.architecture)) "
            + "backward=(\(backward.architecture))"
    }

    package func pass(in weights: inout WeightBuffer) -> LayerPass {
        LayerPass(
            .bothWays(
                Pass(
                    forward: forward.step(in: &weights), backward: backward.step(in: &weights), merge: merge,
                    returnsSequences: returnsSequences)))
    }

    /// The layer as the engine runs it.
    struct Pass {
        var forward: LayerStep
        var backward: LayerStep
        let merge: Merge
        let returnsSequences: Bool
    }
}

extension Bidirectional.Merge {
    /// What is made of two outputs that do not stand beside each other
    /// (<https://keras.io/api/layers/recurrent_layers/bidirectional/>).
    ///
    /// - Parameters:
    ///   - y: The forward layer's outputs, replaced by the result.
    ///   - other: The backward layer's outputs, as many.
    ///   - count: How many values there are.
    func apply(_ y: UnsafeMutablePointer<Float>, _ other: UnsafePointer<Float>, count: Int) {
        switch self {
        case .concat: break
        case .sum: for k in 0..<count { unsafe y[k] += other[k] }
        case .ave: for k in 0..<count { unsafe y[k] = (y[k] + other[k]) / 2 }
        case .mul: for k in 0..<count { unsafe y[k] *= other[k] }
        }
    }
}

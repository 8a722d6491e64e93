/// The equations of a ``GRU`` with Keras' default activations and `reset_after`, in plain Swift.
///
/// This type is the reference with which tests compare every kernel and every path through the engine. It computes a
/// timestep as Keras does with `reset_after` (<https://keras.io/api/layers/recurrent_layers/gru/>), following K. Cho et
/// al., Learning Phrase Representations using RNN Encoder–Decoder, 2014 (<https://arxiv.org/abs/1406.1078>):
///
///     a = x·W + b                  three gates side by side: z, r, h
///     s = h·U + b′                 the same gates
///     z = σ(az + sz)
///     r = σ(ar + sr)
///     g = tanh(ah + r ⊙ sh)
///     h = z ⊙ h + (1 − z) ⊙ g
package struct ReferenceGRU<Scalar: ReferenceScalar>: Sendable {
    package let units: Int
    /// W, shape (features, 3 · units), gates z, r, h.
    package var w: ReferenceMatrix<Scalar>
    /// U, shape (units, 3 · units), gates z, r, h.
    package var u: ReferenceMatrix<Scalar>
    /// b, shape (3 · units), gates z, r, h.
    package var b: [Scalar]
    /// b′, shape (3 · units), gates z, r, h.
    package var recurrentB: [Scalar]

    /// One timestep's values, shape (units) each. A backward pass needs all of them.
    package struct Timestep: Sendable {
        package var z: [Scalar]
        package var r: [Scalar]
        /// The candidate's hidden-state sum h·Uh + b′h, on which the reset gate acts.
        package var s: [Scalar]
        package var g: [Scalar]
        /// The hidden state after the timestep: the layer's output.
        package var h: [Scalar]

        /// The values before the first timestep: zeros.
        package init(units: Int) {
            let zeros = [Scalar](repeating: 0, count: units)
            (z, r, s, g, h) = (zeros, zeros, zeros, zeros, zeros)
        }
    }

    /// Converts a layer's weights.
    ///
    /// - Precondition: The layer has Keras' default activations and `reset_after`.
    package init(_ layer: GRU) {
        precondition(layer.hasDefaultOptions)
        units = layer.units
        w = ReferenceMatrix(layer.kernel)
        u = ReferenceMatrix(layer.recurrentKernel)
        let biases = layer.biasesOrZeros
        b = biases.0.map { Scalar($0) }
        recurrentB = biases.1.map { Scalar($0) }
    }

    /// Computes one timestep.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - before: The previous timestep. The equations use only its h.
    /// - Returns: The values of the timestep.
    package func step(_ x: [Scalar], after before: Timestep) -> Timestep {
        var a = b
        w.addProduct(x, to: &a)
        var s = recurrentB
        u.addProduct(before.h, to: &s)
        var t = before
        for k in 0..<units {
            t.z[k] = Scalar.sigmoid(a[k] + s[k])
            t.r[k] = Scalar.sigmoid(a[units + k] + s[units + k])
            t.s[k] = s[2 * units + k]
            t.g[k] = Scalar.tanh(a[2 * units + k] + t.r[k] * t.s[k])
            t.h[k] = t.z[k] * before.h[k] + (1 - t.z[k]) * t.g[k]
        }
        return t
    }
}

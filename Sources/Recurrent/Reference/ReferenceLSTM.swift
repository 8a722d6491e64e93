/// The equations of an ``LSTM`` with Keras' default activations, in plain Swift.
///
/// This type is the reference with which tests compare every kernel and every path through the engine. It computes a
/// timestep as Keras does (<https://keras.io/api/layers/recurrent_layers/lstm/>), following S. Hochreiter, J.
/// Schmidhuber, Long Short-Term Memory, 1997 (<https://doi.org/10.1162/neco.1997.9.8.1735>), with the forget gate of F.
/// Gers et al., Learning to Forget, 2000 (<https://doi.org/10.1162/089976600300015015>):
///
///     z = x·W + h·U + b            four gates side by side: i, f, c, o
///     i = σ(zi)
///     f = σ(zf)
///     g = tanh(zc)
///     o = σ(zo)
///     c = f ⊙ c + i ⊙ g
///     h = o ⊙ tanh(c)
package struct ReferenceLSTM<Scalar: ReferenceScalar>: Sendable {
    package let units: Int
    /// W, shape (features, 4 · units), gates i, f, c, o.
    package var w: ReferenceMatrix<Scalar>
    /// U, shape (units, 4 · units), gates i, f, c, o.
    package var u: ReferenceMatrix<Scalar>
    /// b, shape (4 · units), gates i, f, c, o.
    package var b: [Scalar]

    /// One timestep's values, shape (units) each. A backward pass needs all of them.
    package struct Timestep: Sendable {
        package var i: [Scalar]
        package var f: [Scalar]
        package var g: [Scalar]
        package var o: [Scalar]
        /// The cell state after the timestep.
        package var c: [Scalar]
        /// The hidden state after the timestep: the layer's output.
        package var h: [Scalar]

        /// The values before the first timestep: zeros.
        package init(units: Int) {
            let zeros = [Scalar](repeating: 0, count: units)
            (i, f, g, o, c, h) = (zeros, zeros, zeros, zeros, zeros, zeros)
        }
    }

    /// Converts a layer's weights.
    ///
    /// - Precondition: The layer has Keras' default activations.
    package init(_ layer: LSTM) {
        precondition(layer.hasDefaultActivations)
        units = layer.units
        w = ReferenceMatrix(layer.kernel)
        u = ReferenceMatrix(layer.recurrentKernel)
        b = layer.biasOrZeros.map { Scalar($0) }
    }

    /// Computes one timestep.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - before: The previous timestep. The equations use only its h and c.
    /// - Returns: The values of the timestep.
    package func step(_ x: [Scalar], after before: Timestep) -> Timestep {
        var z = b
        w.addProduct(x, to: &z)
        u.addProduct(before.h, to: &z)
        var t = before
        for k in 0..<units {
            t.i[k] = Scalar.sigmoid(z[k])
            t.f[k] = Scalar.sigmoid(z[units + k])
            t.g[k] = Scalar.tanh(z[2 * units + k])
            t.o[k] = Scalar.sigmoid(z[3 * units + k])
            t.c[k] = t.f[k] * before.c[k] + t.i[k] * t.g[k]
            t.h[k] = t.o[k] * Scalar.tanh(t.c[k])
        }
        return t
    }
}

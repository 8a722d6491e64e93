/// The equation of a ``SimpleRNN`` with Keras' default activation, in plain Swift.
///
/// This type is the reference with which tests compare every path through the engine. It computes a timestep as Keras
/// does (<https://keras.io/api/layers/recurrent_layers/simple_rnn/>), following J. Elman, Finding Structure in Time,
/// 1990 (<https://doi.org/10.1207/s15516709cog1402_1>):
///
///     h = tanh(x·W + h·U + b)
package struct ReferenceSimpleRNN<Scalar: ReferenceScalar>: Sendable {
    /// W, shape (features, units).
    package var w: ReferenceMatrix<Scalar>
    /// U, shape (units, units).
    package var u: ReferenceMatrix<Scalar>
    /// b, shape (units).
    package var b: [Scalar]

    /// Converts a layer's weights.
    ///
    /// - Precondition: The layer's activation is tanh.
    package init(_ layer: SimpleRNN) {
        precondition(layer.activation == .tanh)
        w = ReferenceMatrix(layer.kernel)
        u = ReferenceMatrix(layer.recurrentKernel)
        b = layer.biasOrZeros.map { Scalar($0) }
    }

    /// Computes one timestep.
    ///
    /// - Parameters:
    ///   - x: The input, shape (features).
    ///   - h: The hidden state before the timestep, shape (units).
    /// - Returns: The hidden state after the timestep, which is the layer's output, shape (units).
    package func step(_ x: [Scalar], after h: [Scalar]) -> [Scalar] {
        var z = b
        w.addProduct(x, to: &z)
        u.addProduct(h, to: &z)
        return z.map { Scalar.tanh($0) }
    }
}

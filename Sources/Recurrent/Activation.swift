import Glibc

/// An element-wise function at the end of a layer or of a gate, by its name in Keras.
///
/// Source of the formulas: <https://keras.io/api/layers/activations/>.
public enum Activation: String, CaseIterable, Equatable, Sendable {
    /// x
    case linear
    /// 1 / (1 + e⁻ˣ)
    case sigmoid
    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    case tanh
    /// max(0, x)
    case relu

    /// The function of one value.
    @inline(__always)
    func callAsFunction(_ x: Float) -> Float {
        switch self {
        case .linear: x
        case .sigmoid: 1 / (1 + expf(-x))
        case .tanh: tanhf(x)
        case .relu: max(0, x)
        }
    }
}

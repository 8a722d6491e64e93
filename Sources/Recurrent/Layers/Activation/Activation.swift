import Glibc

/// The function that a layer or a gate applies last. The source of the formulas is
/// <https://keras.io/api/layers/activations/>.
package enum Activation: BitwiseCopyable, Equatable, Hashable, Sendable {
    /// x
    case linear
    /// 1 / (1 + e⁻ˣ)
    case sigmoid
    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    case tanh
    /// max(0, x)
    case relu
    /// min(max(0, x), 6)
    case relu6
    /// x above zero, slope · x below
    case leakyReLU(slope: Float)
    /// Keras 3's `hard_sigmoid`: min(max(0, x + 3), 6) / 6
    case hardSigmoid
    /// Keras 2's `hard_sigmoid`: min(max(0, 0.2 x + 0.5), 1)
    case hardSigmoidOfKeras2
    /// x / (1 + |x|)
    case softsign
    /// ln(1 + eˣ)
    case softplus
    /// x above zero, eˣ − 1 below
    case elu
    /// 1.0507 · (x above zero, 1.67326 · (eˣ − 1) below)
    case selu
    /// x · Φ(x), with the exact normal distribution Φ
    case gelu
    /// x · sigmoid(x), also called swish
    case silu
    /// eˣ
    case exponential
    /// eˣ divided by the sum of eˣ over the vector: the only function here that is not elementwise
    case softmax

    /// Whether each output depends on only one input, as a gate requires.
    package var isElementwise: Bool { self != .softmax }

    /// Applies the function to one value. The softmax of a single value is 1.
    func callAsFunction(_ x: Float) -> Float {
        switch self {
        case .linear: x
        case .sigmoid: 1 / (1 + expf(-x))
        case .tanh: tanhf(x)
        case .relu: max(0, x)
        case .relu6: min(max(0, x), 6)
        case .leakyReLU(let slope): x > 0 ? x : slope * x
        case .hardSigmoid: min(max(0, x + 3), 6) / 6
        case .hardSigmoidOfKeras2: min(max(0, 0.2 * x + 0.5), 1)
        case .softsign: x / (1 + abs(x))
        // Computes ln(1 + eˣ) without overflowing eˣ.
        case .softplus: max(0, x) + log1pf(expf(-abs(x)))
        case .elu: x > 0 ? x : expm1f(x)
        case .selu: 1.050_700_987 * (x > 0 ? x : 1.673_263_242 * expm1f(x))
        case .gelu: 0.5 * x * (1 + erff(x * Float(0.5).squareRoot()))
        case .silu: x / (1 + expf(-x))
        case .exponential: expf(x)
        case .softmax: 1
        }
    }

    /// Applies the function to a vector in place.
    ///
    /// - Parameters:
    ///   - y: Shape (count), with room for `Kernels.padded(count)`.
    ///   - count: The length of the vector.
    ///   - kernels: The kernels for sigmoid and tanh.
    @inline(__always)
    func apply(_ y: UnsafeMutablePointer<Float>, count: Int, _ kernels: Kernels) {
        switch self {
        case .sigmoid: unsafe kernels.sigmoid(y, count: count)
        case .tanh: unsafe kernels.tanh(y, count: count)
        case .linear: break
        default: unsafe applyWithoutKernel(y, count: count)
        }
    }

    @inline(never)
    private func applyWithoutKernel(_ y: UnsafeMutablePointer<Float>, count: Int) {
        if case .softmax = self {
            unsafe Self.softmax(y, count: count)
        } else {
            for k in 0..<count {
                unsafe y[k] = self(y[k])
            }
        }
    }

    /// Computes `y = e^(y − max y) / Σ e^(y − max y)`. Subtracting the maximum keeps the powers from overflowing.
    @inline(never)
    private static func softmax(_ y: UnsafeMutablePointer<Float>, count: Int) {
        var largest = -Float.infinity
        for k in 0..<count {
            unsafe largest = max(largest, y[k])
        }
        var sum: Float = 0
        for k in 0..<count {
            unsafe y[k] = expf(y[k] - largest)
            unsafe sum += y[k]
        }
        for k in 0..<count {
            unsafe y[k] /= sum
        }
    }
}

extension Activation {
    /// Rejects an activation that is not elementwise.
    func checkElementwise(_ option: String) throws(ModelError) {
        guard isElementwise else {
            throw ModelError(
                code: .shape, context: "\(option) \(name) is not elementwise; choose another activation")
        }
    }
}

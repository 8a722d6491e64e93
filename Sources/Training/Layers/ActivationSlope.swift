import Recurrent

extension Activation {
    /// Applies the function to tiles in place.
    ///
    /// - Parameters:
    ///   - y: Shape (count). Softmax is not elementwise; ``softmax(_:units:lanes:)`` computes it.
    ///   - count: The number of values.
    ///   - arithmetic: The arithmetic of sigmoid and tanh.
    func apply<Arithmetic: TileArithmetic>(_ y: Values<Arithmetic.Scalar>, count: Int, _ arithmetic: Arithmetic) {
        switch self {
        case .linear: break
        case .sigmoid: arithmetic.sigmoid(y, count: count)
        case .tanh: arithmetic.tanh(y, count: count)
        default: for k in 0..<count { y[k] = value(y[k]) }
        }
    }

    /// Returns the function's value at x, as ``Activation`` defines it.
    func value<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
        switch self {
        case .linear: x
        case .sigmoid: Scalar.sigmoid(x)
        case .tanh: Scalar.tanh(x)
        case .relu: max(0, x)
        case .relu6: min(max(0, x), 6)
        case .leakyReLU(let slope): x > 0 ? x : Scalar(slope) * x
        case .hardSigmoid: min(max(0, x + 3), 6) / 6
        case .hardSigmoidOfKeras2: min(max(0, x / 5 + 0.5), 1)
        case .softsign: x / (1 + abs(x))
        case .softplus: max(0, x) + Scalar.log(1 + Scalar.exp(-abs(x)))
        case .elu: x > 0 ? x : Scalar.exp(x) - 1
        case .selu: Self.seluScale() * (x > 0 ? x : Self.seluAlpha() * (Scalar.exp(x) - 1))
        case .gelu: x * Self.normal(x)
        case .silu: x * Scalar.sigmoid(x)
        case .exponential: Scalar.exp(x)
        case .softmax: 1
        }
    }

    /// Returns the derivative of the function at x, where its value is y.
    func slope<Scalar: ReferenceScalar>(x: Scalar, y: Scalar) -> Scalar {
        switch self {
        case .linear: return 1
        case .sigmoid: return y * (1 - y)
        case .tanh: return 1 - y * y
        case .relu: return x > 0 ? 1 : 0
        case .relu6: return x > 0 && x < 6 ? 1 : 0
        case .leakyReLU(let slope): return x > 0 ? 1 : Scalar(slope)
        case .hardSigmoid: return x > -3 && x < 3 ? 1 / 6 : 0
        case .hardSigmoidOfKeras2: return y > 0 && y < 1 ? 1 / 5 : 0
        case .softsign: return (1 - abs(y)) * (1 - abs(y))
        case .softplus: return Scalar.sigmoid(x)
        case .elu: return x > 0 ? 1 : y + 1
        case .selu: return x > 0 ? Self.seluScale() : y + Self.seluScale() * Self.seluAlpha()
        case .gelu:
            // φ(x) = e^(−x²/2) / √(2π), and 1 / √(2π) = 0.398942…
            return Self.normal(x) + x * Scalar.exp(-x * x / 2) * Scalar(0.398_942_280_401_432_7)
        case .silu:
            let sigmoid = Scalar.sigmoid(x)
            return sigmoid * (1 + x * (1 - sigmoid))
        case .exponential: return y
        case .softmax: return 0
        }
    }

    /// Computes `dx = dy ⊙ activation′`. dx and x may be the same buffer.
    func multiplyBySlope<Scalar: ReferenceScalar>(
        _ dx: Values<Scalar>, x: Values<Scalar>, y: Values<Scalar>, dy: Values<Scalar>, count: Int
    ) {
        switch self {
        case .linear: dx.copy(dy, count: count)
        case .tanh: for k in 0..<count { dx[k] = dy[k] * (1 - y[k] * y[k]) }
        case .sigmoid: for k in 0..<count { dx[k] = dy[k] * y[k] * (1 - y[k]) }
        default: for k in 0..<count { dx[k] = dy[k] * slope(x: x[k], y: y[k]) }
        }
    }

    /// Returns Φ(x), the standard normal distribution function.
    private static func normal<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
        (1 + Scalar.erf(x * Scalar(0.5).squareRoot())) / 2
    }

    private static func seluScale<Scalar: ReferenceScalar>() -> Scalar { Scalar(1.050_700_987_355_480_5) }
    private static func seluAlpha<Scalar: ReferenceScalar>() -> Scalar { Scalar(1.673_263_242_354_377_2) }
}

extension Activation {
    /// Computes `y = e^(y − max y) / Σ e^(y − max y)` in each lane of one timestep, shape (units, lanes).
    static func softmax<Scalar: ReferenceScalar>(_ y: Values<Scalar>, units: Int, lanes: Int) {
        for lane in 0..<lanes {
            var largest = -Scalar.infinity
            for k in 0..<units { largest = max(largest, y[k * lanes + lane]) }
            var sum: Scalar = 0
            for k in 0..<units {
                y[k * lanes + lane] = Scalar.exp(y[k * lanes + lane] - largest)
                sum += y[k * lanes + lane]
            }
            for k in 0..<units { y[k * lanes + lane] /= sum }
        }
    }

    /// Computes `dx = y ⊙ (dy − Σ y ⊙ dy)` in each lane of one timestep: the gradient of softmax. dx may be dy.
    static func softmaxBack<Scalar: ReferenceScalar>(
        _ dx: Values<Scalar>, y: Values<Scalar>, dy: Values<Scalar>, units: Int, lanes: Int
    ) {
        for lane in 0..<lanes {
            var sum: Scalar = 0
            for k in 0..<units { sum += y[k * lanes + lane] * dy[k * lanes + lane] }
            for k in 0..<units { dx[k * lanes + lane] = y[k * lanes + lane] * (dy[k * lanes + lane] - sum) }
        }
    }
}

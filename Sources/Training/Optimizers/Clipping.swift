import Recurrent

/// A limit on the gradients, applied before each update, as in Keras' optimizers.
package enum Clipping: Equatable, Sendable {
    case none
    /// Scales a weight's gradient down to the given norm if its own norm is larger: Keras' `clipnorm`.
    case norm(Double)
    /// Scales all gradients by the same factor if their joint norm exceeds the given one: Keras' `global_clipnorm`.
    case globalNorm(Double)
    /// Limits the magnitude of each value: Keras' `clipvalue`.
    case value(Double)

    /// Clips a gradient in place.
    ///
    /// - Parameters:
    ///   - gradient: The gradients of all weights.
    ///   - weights: The range of each weight.
    func apply<Scalar: ReferenceScalar>(to gradient: Values<Scalar>, weights: [Range<Int>]) {
        switch self {
        case .none: break
        case .norm(let limit):
            for weight in weights { Self.limit([weight], of: gradient, to: Scalar(limit)) }
        case .globalNorm(let limit): Self.limit(weights, of: gradient, to: Scalar(limit))
        case .value(let limit):
            let limit = Scalar(limit)
            for weight in weights {
                for k in weight { gradient[k] = min(max(gradient[k], -limit), limit) }
            }
        }
    }

    private static func limit<Scalar: ReferenceScalar>(
        _ weights: [Range<Int>], of gradient: Values<Scalar>, to limit: Scalar
    ) {
        var squares: Scalar = 0
        for weight in weights {
            for k in weight { squares += gradient[k] * gradient[k] }
        }
        let norm = squares.squareRoot()
        guard norm > limit else { return }
        for weight in weights {
            for k in weight { gradient[k] *= limit / norm }
        }
    }
}

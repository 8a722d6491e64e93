/// The names of activations, which are Keras' names and part of a model's fingerprint.
extension Activation {
    /// The slope of Keras' function `leaky_relu`. Keras' layer LeakyReLU has a different default.
    private static let slopeOfName: Float = 0.2

    /// The functions that have names of their own, in the order in which messages list them. `leaky_relu` has the slope
    /// of Keras' function with that name.
    package static let named: [Activation] = [
        .linear, .sigmoid, .tanh, .relu, .relu6, .leakyReLU(slope: slopeOfName), .hardSigmoid, .hardSigmoidOfKeras2,
        .softsign, .softplus, .elu, .selu, .gelu, .silu, .exponential, .softmax,
    ]

    /// The name in Keras. A `leaky_relu` whose slope differs from that of Keras' function has a name that ends in the
    /// slope.
    package var name: String {
        switch self {
        case .linear: "linear"
        case .sigmoid: "sigmoid"
        case .tanh: "tanh"
        case .relu: "relu"
        case .relu6: "relu6"
        case .leakyReLU(Self.slopeOfName): "leaky_relu"
        case .leakyReLU(let slope): "leaky_relu(\(slope))"
        case .hardSigmoid: "hard_sigmoid"
        case .hardSigmoidOfKeras2: "hard_sigmoid_keras2"
        case .softsign: "softsign"
        case .softplus: "softplus"
        case .elu: "elu"
        case .selu: "selu"
        case .gelu: "gelu"
        case .silu: "silu"
        case .exponential: "exponential"
        case .softmax: "softmax"
        }
    }

    /// Finds the function with the given name; nil if there is none.
    package init?(name: String) {
        guard let function = Self.named.first(where: { $0.name == name }) else { return nil }
        self = function
    }
}

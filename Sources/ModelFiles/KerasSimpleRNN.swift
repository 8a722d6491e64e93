import Recurrent

/// Keras' SimpleRNN (<https://keras.io/api/layers/recurrent_layers/simple_rnn/>).
struct KerasSimpleRNN: KerasLayer {
    static let className = "SimpleRNN"

    private let options: KerasRecurrentOptions

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
    }

    var weights: [KerasWeight] { options.weights }
    var isStateful: Bool? { options.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> Layer? {
        .simpleRNN(
            try SimpleRNN(
                units: options.units, activation: options.activation, kernel: weights[0], recurrentKernel: weights[1],
                bias: options.usesBias ? weights[2] : nil))
    }
}

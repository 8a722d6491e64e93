import Recurrent

/// Keras' SimpleRNN (<https://keras.io/api/layers/recurrent_layers/simple_rnn/>).
struct KerasSimpleRNN: KerasRecurrentLayer {
    static let className = "SimpleRNN"

    let options: KerasRecurrentOptions

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
    }

    var activations: [Activation] { [options.activation] }
    var gates: Int { 1 }

    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer {
        try SimpleRNN(
            units: options.units, activation: options.activation, kernel: weights[0], recurrentKernel: weights[1],
            bias: options.usesBias ? weights[2] : nil, maskedOutput: maskedOutput)
    }
}

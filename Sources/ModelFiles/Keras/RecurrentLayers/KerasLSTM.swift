import FoundationEssentials
import Recurrent

/// Keras' LSTM (<https://keras.io/api/layers/recurrent_layers/lstm/>).
struct KerasLSTM: KerasRecurrentLayer {
    static let className = "LSTM"

    let options: KerasRecurrentOptions
    private let recurrentActivation: Activation

    private enum Option: String, CodingKey {
        case recurrentActivation = "recurrent_activation"
    }

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
        recurrentActivation = try decoder.container(keyedBy: Option.self)
            .gateActivation(.recurrentActivation, version: KerasVersion.of(decoder))
    }

    var activations: [Activation] { [options.activation, recurrentActivation] }

    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer {
        try LSTM(
            units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
            kernel: weights[0], recurrentKernel: weights[1], bias: options.usesBias ? weights[2] : nil,
            maskedOutput: maskedOutput)
    }
}

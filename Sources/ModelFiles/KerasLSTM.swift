import FoundationEssentials
import Recurrent

/// Keras' LSTM (<https://keras.io/api/layers/recurrent_layers/lstm/>).
struct KerasLSTM: KerasLayer {
    static let className = "LSTM"

    private let options: KerasRecurrentOptions
    private let recurrentActivation: Activation

    private enum Option: String, CodingKey {
        case recurrentActivation = "recurrent_activation"
    }

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
        recurrentActivation = try decoder.container(keyedBy: Option.self)
            .gateActivation(.recurrentActivation, version: decoder.kerasVersion)
    }

    var weights: [KerasWeight] { options.weights }
    var isStateful: Bool? { options.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> Layer? {
        .lstm(
            try LSTM(
                units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
                kernel: weights[0], recurrentKernel: weights[1], bias: options.usesBias ? weights[2] : nil))
    }
}

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
    var gates: Int { 4 }

    /// Returns ones for the forget gate (the second of i, f, c, o) and zeros for the other gates: `unit_forget_bias`.
    func initialBias() throws(ModelError) -> Tensor {
        let units = options.units
        return try Tensor(
            shape: [4 * units], values: (0..<4 * units).map { (units..<2 * units).contains($0) ? 1 : 0 })
    }

    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer {
        try LSTM(
            units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
            kernel: weights[0], recurrentKernel: weights[1], bias: options.usesBias ? weights[2] : nil,
            maskedOutput: maskedOutput)
    }
}

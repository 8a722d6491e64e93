import FoundationEssentials
import Recurrent

/// Keras' GRU (<https://keras.io/api/layers/recurrent_layers/gru/>).
struct KerasGRU: KerasRecurrentLayer {
    static let className = "GRU"

    let options: KerasRecurrentOptions
    private let recurrentActivation: Activation
    private let resetsAfter: Bool

    private enum Option: String, CodingKey {
        case recurrentActivation = "recurrent_activation"
        case resetsAfter = "reset_after"
    }

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
        let gates = try decoder.container(keyedBy: Option.self)
        recurrentActivation = try gates.cellActivation(.recurrentActivation, standard: .sigmoid)
        // Only files from before the option existed do not have it.
        resetsAfter = try gates.flag(.resetsAfter)
    }

    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer {
        try GRU(
            units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
            resetsAfter: resetsAfter, kernel: weights[0], recurrentKernel: weights[1],
            bias: options.usesBias ? weights[2] : nil, maskedOutput: maskedOutput)
    }
}

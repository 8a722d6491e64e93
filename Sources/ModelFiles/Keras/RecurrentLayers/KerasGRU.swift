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
        let version = KerasVersion.of(decoder)
        recurrentActivation = try gates.gateActivation(.recurrentActivation, version: version)
        if let resetsAfter = try gates.decodeIfPresent(Bool.self, forKey: .resetsAfter) {
            self.resetsAfter = resetsAfter
        } else if let isBefore3 = version.isBefore3 {
            // By default, Keras 2 applies the reset gate before the matrix product.
            resetsAfter = !isBefore3
        } else {
            throw gates.undecided(.resetsAfter)
        }
    }

    var activations: [Activation] { [options.activation, recurrentActivation] }
    var gates: Int { 3 }

    func initialBias() throws(ModelError) -> Tensor {
        let length = gates * options.units
        return try InitialNumbers.constant(0, shape: resetsAfter ? [2, length] : [length])
    }

    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer {
        try GRU(
            units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
            resetsAfter: resetsAfter, kernel: weights[0], recurrentKernel: weights[1],
            bias: options.usesBias ? weights[2] : nil, maskedOutput: maskedOutput)
    }
}

import FoundationEssentials
import Recurrent

/// Keras' GRU (<https://keras.io/api/layers/recurrent_layers/gru/>).
struct KerasGRU: KerasLayer {
    static let className = "GRU"

    private let options: KerasRecurrentOptions
    private let recurrentActivation: Activation
    private let resetsAfter: Bool

    private enum Option: String, CodingKey {
        case recurrentActivation = "recurrent_activation"
        case resetsAfter = "reset_after"
    }

    init(from decoder: any Decoder) throws {
        options = try KerasRecurrentOptions(from: decoder)
        let gates = try decoder.container(keyedBy: Option.self)
        recurrentActivation = try gates.gateActivation(.recurrentActivation, version: decoder.kerasVersion)
        if let resetsAfter = try gates.decodeIfPresent(Bool.self, forKey: .resetsAfter) {
            self.resetsAfter = resetsAfter
        } else if let version = decoder.kerasVersion {
            // Keras 2 resets before, unless it says otherwise.
            resetsAfter = version.major >= 3
        } else {
            throw gates.undecided(.resetsAfter)
        }
    }

    var weights: [KerasWeight] { options.weights }
    var isStateful: Bool? { options.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> Layer? {
        .gru(
            try GRU(
                units: options.units, activation: options.activation, recurrentActivation: recurrentActivation,
                resetsAfter: resetsAfter, kernel: weights[0], recurrentKernel: weights[1],
                bias: options.usesBias ? weights[2] : nil))
    }
}

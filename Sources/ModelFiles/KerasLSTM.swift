import FoundationEssentials
import Recurrent

/// Keras' LSTM (<https://keras.io/api/layers/recurrent_layers/lstm/>).
///
/// Dropout, initializers, regularizers and constraints act in training only; `unroll` and `implementation` choose how
/// the same answer is computed. `return_sequences` does not change the step either, only what may follow.
struct KerasLSTM: KerasLayer {
    static let className = "LSTM"

    private let units: Int
    private let activation: Activation
    private let recurrentActivation: Activation
    private let usesBias: Bool
    private let returnsSequences: Bool
    let isStateful: Bool?

    private enum Option: String, CodingKey {
        case units, activation, stateful
        case recurrentActivation = "recurrent_activation"
        case usesBias = "use_bias"
        case returnsSequences = "return_sequences"
        case returnsState = "return_state"
        case goesBackwards = "go_backwards"
        case isTimeMajor = "time_major"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.goesBackwards)
        try options.refuse(.returnsState)
        try options.refuse(.isTimeMajor)
        units = try options.units(.units)
        activation = try options.activation(.activation, standard: .tanh)
        recurrentActivation = try options.activation(.recurrentActivation, standard: .sigmoid)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        returnsSequences = try options.flag(.returnsSequences)
        isStateful = try options.flag(.stateful)
    }

    var weights: [KerasWeight] {
        [
            KerasWeight(archivePath: "cell/vars/0", legacyName: "kernel"),
            KerasWeight(archivePath: "cell/vars/1", legacyName: "recurrent_kernel"),
        ] + (usesBias ? [KerasWeight(archivePath: "cell/vars/2", legacyName: "bias")] : [])
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(
                .unsupported,
                "takes (batch, timesteps, features) but is given \(input); "
                    + "supported: an LSTM first, or after a layer that gives sequences (return_sequences=True)")
        }
        return KerasShape(returnsSequences ? [input.axes[0], input.axes[1], units] : [input.axes[0], units])
    }

    func build(weights: [Tensor]) throws(ModelError) -> Layer {
        .lstm(
            try LSTM(
                units: units, activation: activation, recurrentActivation: recurrentActivation,
                kernel: weights[0], recurrentKernel: weights[1], bias: usesBias ? weights[2] : nil))
    }
}

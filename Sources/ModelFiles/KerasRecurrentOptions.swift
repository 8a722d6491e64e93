import FoundationEssentials
import Recurrent

/// What Keras' LSTM, GRU and SimpleRNN have in common (<https://keras.io/api/layers/recurrent_layers/>).
///
/// Dropout, initializers, regularizers and constraints act in training only; `unroll` and `implementation` choose how
/// the same answer is computed, and `zero_output_for_mask` acts on masks, which are refused. `return_sequences` does
/// not change the step either, only what may follow.
struct KerasRecurrentOptions: Decodable {
    let units: Int
    let activation: Activation
    let usesBias: Bool
    let isStateful: Bool
    private let returnsSequences: Bool

    private enum Option: String, CodingKey {
        case units, activation, stateful
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
        activation = try options.cellActivation(.activation, standard: .tanh)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        returnsSequences = try options.flag(.returnsSequences)
        isStateful = try options.flag(.stateful)
    }

    /// The cell's kernel and recurrent kernel, and its bias where it has one.
    var weights: [KerasWeight] {
        [
            KerasWeight(archivePath: "cell/vars/0", name: "kernel"),
            KerasWeight(archivePath: "cell/vars/1", name: "recurrent_kernel"),
        ] + (usesBias ? [KerasWeight(archivePath: "cell/vars/2", name: "bias")] : [])
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(
                .unsupported,
                "takes (batch, timesteps, features) but is given \(input); "
                    + "supported: as first layer, or after a layer that gives sequences (return_sequences=True)")
        }
        return KerasShape(returnsSequences ? [input.axes[0], input.axes[1], units] : [input.axes[0], units])
    }
}

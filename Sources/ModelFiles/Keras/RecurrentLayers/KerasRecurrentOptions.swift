import FoundationEssentials
import Recurrent

/// What Keras' LSTM, GRU and SimpleRNN have in common (<https://keras.io/api/layers/recurrent_layers/>).
///
/// Dropout, initializers, regularizers and constraints act in training only; `unroll` and `implementation` choose how
/// the same answer is computed. `return_sequences` does not change the step either, only what may follow.
struct KerasRecurrentOptions: Decodable {
    let units: Int
    let activation: Activation
    let usesBias: Bool
    let isStateful: Bool
    let returnsSequences: Bool
    let goesBackwards: Bool
    let maskedOutput: MaskedOutput

    private enum Option: String, CodingKey {
        case units, activation, stateful
        case usesBias = "use_bias"
        case returnsSequences = "return_sequences"
        case returnsState = "return_state"
        case goesBackwards = "go_backwards"
        case isTimeMajor = "time_major"
        case zerosMaskedOutput = "zero_output_for_mask"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.returnsState)
        try options.refuse(.isTimeMajor)
        units = try options.units(.units)
        activation = try options.cellActivation(.activation, standard: .tanh)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        returnsSequences = try options.flag(.returnsSequences)
        isStateful = try options.flag(.stateful)
        goesBackwards = try options.flag(.goesBackwards)
        maskedOutput = try options.flag(.zerosMaskedOutput) ? .zeros : .lastOutput
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
        return returnsSequences ? input.withFeatures(units) : KerasShape([input.axes[0], units])
    }
}

/// One of Keras' three recurrent layers.
protocol KerasRecurrentLayer: KerasLayer {
    var options: KerasRecurrentOptions { get }

    /// Builds the engine's layer, as it goes from the first timestep to the last.
    ///
    /// - Parameters:
    ///   - weights: Those of `options.weights`.
    ///   - maskedOutput: What it gives at a masked timestep.
    /// - Returns: The layer.
    /// - Throws: ``ModelError`` where a weight's shape does not fit.
    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer
}

extension KerasRecurrentLayer {
    var weights: [KerasWeight] { options.weights }
    var isStateful: Bool? { options.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        // A call of Keras knows of no output before its first timestep. So where each call is one timestep, what a masked
        // one gives is zeros, though the state goes on.
        let isCalledStepByStep = options.isStateful && input.axes[1] == 1
        // Where nothing is masked the option changes no answer, so it is to change no fingerprint.
        let maskedOutput = !input.isMasked ? .lastOutput : isCalledStepByStep ? .zeros : options.maskedOutput
        let layer = try recurrentLayer(weights: weights, maskedOutput: maskedOutput)
        return options.goesBackwards ? Backwards(layer) : layer
    }
}

import FoundationEssentials
import Recurrent

/// The options that Keras' LSTM, GRU and SimpleRNN share (<https://keras.io/api/layers/recurrent_layers/>).
///
/// Dropout, initializers, regularizers and constraints only affect training. `unroll` and `implementation` only select
/// how the same output is computed. `return_sequences` does not change the step either, but restricts which layers may
/// follow.
struct KerasRecurrentOptions: Decodable {
    let units: Int
    let activation: Activation
    let usesBias: Bool
    let isStateful: Bool
    let returnsSequences: Bool
    /// Whether the layer has its state as further outputs.
    let returnsState: Bool
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
        try options.refuse(.isTimeMajor)
        units = try options.units(.units)
        activation = try options.cellActivation(.activation, standard: .tanh)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        returnsSequences = try options.flag(.returnsSequences)
        returnsState = try options.flag(.returnsState)
        isStateful = try options.flag(.stateful)
        goesBackwards = try options.flag(.goesBackwards)
        maskedOutput = try options.flag(.zerosMaskedOutput) ? .zeros : .lastOutput
    }

    /// The cell's kernel, its recurrent kernel and, if there is one, its bias.
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
                "needs (batch, timesteps, features) but gets \(input); "
                    + "supported: as first layer, or after a layer with return_sequences=True")
        }
        return returnsSequences ? input.withFeatures(units) : KerasShape([input.axes[0], units])
    }
}

/// One of Keras' three recurrent layers.
protocol KerasRecurrentLayer: KerasLayer {
    var options: KerasRecurrentOptions { get }
    /// The number of gates. A kernel holds their matrices side by side.
    var gates: Int { get }

    /// Returns the bias of a new layer.
    func initialBias() throws(ModelError) -> Tensor

    /// Builds the engine's layer, which processes the timesteps from first to last.
    ///
    /// - Parameters:
    ///   - weights: The tensors of `options.weights`, in the same order.
    ///   - maskedOutput: The output at a masked timestep.
    /// - Returns: The layer.
    /// - Throws: ``ModelError`` if a weight has the wrong shape.
    func recurrentLayer(weights: [Tensor], maskedOutput: MaskedOutput) throws(ModelError) -> any RecurrentLayer
}

extension KerasRecurrentLayer {
    var weights: [KerasWeight] { options.weights }
    var isStateful: Bool? { options.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }

    func initialBias() throws(ModelError) -> Tensor {
        try InitialNumbers.constant(0, shape: [gates * options.units])
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        let columns = gates * options.units
        let kernel = try numbers.glorotUniform(rows: input.features, columns: columns)
        let recurrentKernel = try numbers.orthogonal(rows: options.units, columns: columns)
        return try [kernel, recurrentKernel] + (options.usesBias ? [initialBias()] : [])
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        // In Keras, a call does not know the output of the previous call. If each call has one timestep, the output at
        // a masked timestep is therefore zeros, even though the state carries over.
        let isCalledStepByStep = options.isStateful && input.axes[1] == 1
        // If nothing is masked, the option does not affect the outputs and must not affect the fingerprint.
        let maskedOutput = !input.isMasked ? .lastOutput : isCalledStepByStep ? .zeros : options.maskedOutput
        let layer = try recurrentLayer(weights: weights, maskedOutput: maskedOutput)
        return options.goesBackwards ? Backwards(layer) : layer
    }
}

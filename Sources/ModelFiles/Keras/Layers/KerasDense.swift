import FoundationEssentials
import Recurrent

/// Keras' Dense (<https://keras.io/api/layers/core_layers/dense/>), which acts on the last axis of its input.
struct KerasDense: KerasLayer {
    static let className = "Dense"

    private let units: Int
    private let activation: Activation
    private let usesBias: Bool
    private let lowRank: LowRank?

    private enum Option: String, CodingKey {
        case units, activation
        case usesBias = "use_bias"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        units = try options.units(.units)
        activation = try options.activation(.activation, standard: .linear)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        lowRank = try LowRank(from: decoder)
    }

    var weights: [KerasWeight] {
        [KerasWeight(archivePath: "vars/0", name: "kernel", lowRank: lowRank)]
            + (usesBias ? [KerasWeight(archivePath: "vars/1", name: "bias")] : [])
    }

    var activations: [Activation] { [activation] }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard (2...3).contains(input.axes.count) else {
            throw Defect(
                .unsupported,
                "is given \(input); supported: (batch, features) and (batch, timesteps, features)")
        }
        return input.withFeatures(units)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Dense(units: units, activation: activation, kernel: weights[0], bias: usesBias ? weights[1] : nil)
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        let kernel = try numbers.glorotUniform(rows: input.features, columns: units)
        return try [kernel] + (usesBias ? [InitialNumbers.constant(0, shape: [units])] : [])
    }
}

import Recurrent
import TestSupport

/// Layers and sequences of random numbers. The numbers are multiples of 2⁻¹², so that steps of 2⁻¹⁶ from them are
/// exact.
struct RandomLayers {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// Returns random values from −size to size.
    mutating func values(_ count: Int, size: Float = 1) -> [Float] {
        (0..<count).map { _ in (Float.random(in: -size...size, using: &random) * 4096).rounded() / 4096 }
    }

    private mutating func tensor(_ shape: [Int]) throws -> Tensor {
        try Tensor(shape: shape, values: values(shape.reduce(1, *)))
    }

    mutating func dense(_ features: Int, _ units: Int, _ activation: Activation = .linear) throws -> Dense {
        try Dense(
            units: units, activation: activation, kernel: tensor([features, units]), bias: tensor([units]))
    }

    mutating func embedding(_ vocabulary: Int, _ units: Int, masksZero: Bool = false) throws -> Embedding {
        try Embedding(
            vocabulary: vocabulary, units: units, embeddings: tensor([vocabulary, units]), masksZero: masksZero)
    }

    mutating func lstm(
        _ features: Int, _ units: Int, _ activation: Activation = .tanh, _ gates: Activation = .sigmoid,
        masked: MaskedOutput = .lastOutput
    ) throws -> LSTM {
        try LSTM(
            units: units, activation: activation, recurrentActivation: gates, kernel: tensor([features, 4 * units]),
            recurrentKernel: tensor([units, 4 * units]), bias: tensor([4 * units]), maskedOutput: masked)
    }

    mutating func gru(
        _ features: Int, _ units: Int, _ activation: Activation = .tanh, _ gates: Activation = .sigmoid,
        resetsAfter: Bool = true
    ) throws -> GRU {
        try GRU(
            units: units, activation: activation, recurrentActivation: gates, resetsAfter: resetsAfter,
            kernel: tensor([features, 3 * units]), recurrentKernel: tensor([units, 3 * units]),
            bias: tensor(resetsAfter ? [2, 3 * units] : [3 * units]))
    }

    mutating func rnn(_ features: Int, _ units: Int, _ activation: Activation = .tanh) throws -> SimpleRNN {
        try SimpleRNN(
            units: units, activation: activation, kernel: tensor([features, units]),
            recurrentKernel: tensor([units, units]), bias: nil)
    }

    mutating func layerNormalization(_ units: Int) throws -> LayerNormalization {
        try LayerNormalization(units: units, epsilon: 1e-3, gamma: tensor([units]), beta: tensor([units]))
    }

    mutating func rescaling(_ units: Int) throws -> Rescaling {
        try Rescaling(scale: tensor([units]), offset: tensor([units]))
    }
}

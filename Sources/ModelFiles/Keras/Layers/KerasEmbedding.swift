import FoundationEssentials
import Recurrent

/// Keras' Embedding (<https://keras.io/api/layers/core_layers/embedding/>). A model with this layer takes tokens.
struct KerasEmbedding: KerasLayer {
    static let className = "Embedding"

    private let vocabulary: Int
    private let units: Int
    private let masksZero: Bool
    private let lowRank: LowRank?

    private enum Option: String, CodingKey {
        case vocabulary = "input_dim"
        case units = "output_dim"
        case masksZero = "mask_zero"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        masksZero = try options.flag(.masksZero)
        lowRank = try LowRank(from: decoder)
        units = try options.units(.units)
        vocabulary = try options.decode(Int.self, forKey: .vocabulary)
        guard (1...Embedding.largestVocabulary).contains(vocabulary) else {
            throw Defect(
                .unsupported,
                "input_dim=\(vocabulary) is not supported; supported: 1 to \(Embedding.largestVocabulary)")
        }
    }

    var weights: [KerasWeight] { [KerasWeight(archivePath: "vars/0", name: "embeddings", lowRank: lowRank)] }
    var takesTokens: Bool { true }
    var maskedValue: Float? { masksZero ? 0 : nil }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 2 else {
            throw Defect(.unsupported, "is given \(input); supported: (batch, timesteps) of one token each")
        }
        return KerasShape(input.axes + [units], isMasked: masksZero)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Embedding(vocabulary: vocabulary, units: units, embeddings: weights[0], masksZero: masksZero)
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        [try numbers.uniform(shape: [vocabulary, units], within: 0.05)]
    }
}

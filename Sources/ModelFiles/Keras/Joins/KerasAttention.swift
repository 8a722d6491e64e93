import FoundationEssentials
import Recurrent

/// The common part of Keras' Attention and AdditiveAttention. Their dropout only affects training.
protocol KerasAttentionLayer: KerasJoin {
    /// Whether a timestep of the query never attends to later timesteps, according to the layer's options.
    var isCausal: Bool { get }

    func score(_ weights: [Tensor]) -> Attention.Score

    func scale(_ weights: [Tensor]) -> Tensor?
}

extension KerasAttentionLayer {
    var callArguments: Set<String> { ["use_causal_mask"] }

    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape {
        try inputs.require(2...3)
        guard inputs.allSatisfy({ $0.axes.count == 3 }), let keys = inputs.last, keys.features == inputs[0].features,
            keys.axes[1] == inputs[1].axes[1], inputs[1].features > 0
        else {
            throw Defect(
                .unsupported,
                "gets \(inputs.text); supported: a query, values and keys of shape (batch, timesteps, features)")
        }
        return KerasShape(
            inputs[0].withFeatures(inputs[1].features).axes, isMasked: inputs[0].isMasked)
    }

    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation {
        .attention(
            try Attention(
                score: score(weights), scale: scale(weights),
                isCausal: isCausal || call.named["use_causal_mask"] == .bool(true)))
    }
}

/// Keras' Attention (<https://keras.io/api/layers/attention_layers/attention/>).
struct KerasAttention: KerasAttentionLayer {
    static let className = "Attention"

    let isCausal: Bool
    private let usesScale: Bool
    private let isConcat: Bool

    private enum Option: String, CodingKey {
        case causal
        case usesScale = "use_scale"
        case scoreMode = "score_mode"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        isCausal = try options.flag(.causal)
        usesScale = try options.flag(.usesScale)
        let mode = try options.decodeIfPresent(String.self, forKey: .scoreMode) ?? "dot"
        guard ["dot", "concat"].contains(mode) else {
            throw KerasActivation.refusal("score_mode", mode, supported: ["dot", "concat"])
        }
        isConcat = mode == "concat"
    }

    var weights: [KerasWeight] {
        KerasWeight.list(
            archivePath: "vars", names: (usesScale ? ["scale"] : []) + (isConcat ? ["concat_score_weight"] : []))
    }

    func score(_ weights: [Tensor]) -> Attention.Score {
        if isConcat, let weight = weights.last { .concat(weight: weight) } else { .dot }
    }

    func scale(_ weights: [Tensor]) -> Tensor? { usesScale ? weights.first : nil }
}

/// Keras' AdditiveAttention (<https://keras.io/api/layers/attention_layers/additive_attention/>).
struct KerasAdditiveAttention: KerasAttentionLayer {
    static let className = "AdditiveAttention"

    let isCausal: Bool
    private let usesScale: Bool

    private enum Option: String, CodingKey {
        case causal
        case usesScale = "use_scale"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        isCausal = try options.flag(.causal)
        usesScale = try options.decodeIfPresent(Bool.self, forKey: .usesScale) ?? true
    }

    var weights: [KerasWeight] { KerasWeight.list(archivePath: "vars", names: usesScale ? ["scale"] : []) }

    func score(_ weights: [Tensor]) -> Attention.Score { .additive }

    func scale(_ weights: [Tensor]) -> Tensor? { weights.first }
}

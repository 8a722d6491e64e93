import FoundationEssentials
import Recurrent

/// Keras' LayerNormalization (<https://keras.io/api/layers/normalization_layers/layer_normalization/>) over the last
/// axis.
struct KerasLayerNormalization: KerasLayer {
    static let className = "LayerNormalization"

    private let axis: KerasAxis
    private let epsilon: Float
    private let centers: Bool
    private let scales: Bool

    private enum Option: String, CodingKey {
        case axis, epsilon, center, scale
        case isRootMeanSquare = "rms_scaling"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.isRootMeanSquare)
        axis = try options.axis(.axis)
        epsilon = try options.decodeIfPresent(Float.self, forKey: .epsilon) ?? 1e-3
        centers = try options.decodeIfPresent(Bool.self, forKey: .center) ?? true
        scales = try options.decodeIfPresent(Bool.self, forKey: .scale) ?? true
    }

    var weights: [KerasWeight] {
        KerasWeight.list(archivePath: "vars", names: (scales ? ["gamma"] : []) + (centers ? ["beta"] : []))
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try axis.requireLast(of: input)
        return try input.withKnownFeatures()
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try LayerNormalization(
            units: input.features, epsilon: epsilon, gamma: scales ? weights.first : nil,
            beta: centers ? weights.last : nil)
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        let (gamma, beta) = (
            try InitialNumbers.constant(1, shape: [input.features]),
            try InitialNumbers.constant(0, shape: [input.features])
        )
        return (scales ? [gamma] : []) + (centers ? [beta] : [])
    }
}

import FoundationEssentials
import Recurrent

/// Keras' BatchNormalization (<https://keras.io/api/layers/normalization_layers/batch_normalization/>) over the last
/// axis, in inference mode.
struct KerasBatchNormalization: KerasLayer {
    static let className = "BatchNormalization"

    private let axis: KerasAxis
    private let epsilon: Float
    private let centers: Bool
    private let scales: Bool

    private enum Option: String, CodingKey {
        case axis, epsilon, center, scale, renorm
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.renorm)
        axis = try options.axis(.axis)
        epsilon = try options.decodeIfPresent(Float.self, forKey: .epsilon) ?? 1e-3
        centers = try options.decodeIfPresent(Bool.self, forKey: .center) ?? true
        scales = try options.decodeIfPresent(Bool.self, forKey: .scale) ?? true
    }

    var weights: [KerasWeight] {
        let trained = (scales ? ["gamma"] : []) + (centers ? ["beta"] : [])
        let statistics = ["moving_mean", "moving_variance"].enumerated().map { index, name in
            KerasWeight(archivePath: "vars/\(trained.count + index)", name: name, isTrainable: false)
        }
        return KerasWeight.list(archivePath: "vars", names: trained) + statistics
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try axis.requireLast(of: input)
        return input
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try BatchNormalization(
            epsilon: epsilon, gamma: scales ? weights[0] : nil, beta: centers ? weights[scales ? 1 : 0] : nil,
            movingMean: weights[weights.count - 2], movingVariance: weights[weights.count - 1])
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        let (ones, zeros) = (
            try InitialNumbers.constant(1, shape: [input.features]),
            try InitialNumbers.constant(0, shape: [input.features])
        )
        return (scales ? [ones] : []) + (centers ? [zeros] : []) + [zeros, ones]
    }
}

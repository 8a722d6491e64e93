import FoundationEssentials
import Recurrent

/// Keras' Normalization (<https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>) of each feature,
/// or of all features with a common mean and variance. The mean and variance come from `adapt` or from the layer's
/// options.
struct KerasNormalization: KerasLayer {
    static let className = "Normalization"

    private let axis: KerasAxis
    private let isInverse: Bool
    private let given: (mean: KerasNumbers, variance: KerasNumbers)?

    private let version: KerasVersion

    private enum Option: String, CodingKey {
        case axis, mean, variance, invert
    }

    init(from decoder: any Decoder) throws {
        version = KerasVersion.of(decoder)
        let options = try decoder.container(keyedBy: Option.self)
        axis = try options.axis(.axis)
        isInverse = try options.flag(.invert)
        if let mean = try options.decodeIfPresent(KerasNumbers.self, forKey: .mean) {
            given = (mean, try options.decode(KerasNumbers.self, forKey: .variance))
        } else {
            given = nil
        }
    }

    var weights: [KerasWeight] {
        guard given == nil else { return [] }
        return [
            KerasWeight(archivePath: "vars/0", name: "mean", isTrainable: false),
            KerasWeight(archivePath: "vars/1", name: "variance", isTrainable: false),
            // The number of samples passed to `adapt`.
            KerasWeight(archivePath: "vars/2", name: "count", isRead: false, isTrainable: false),
        ]
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        if !axis.isNone { try axis.requireLast(of: input) }
        try version.requireMaskIsKept(in: input)
        let input = try input.withKnownFeatures()
        try given?.mean.require(features: input.features, of: "mean")
        try given?.variance.require(features: input.features, of: "variance")
        return input
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        let features = input.features
        let (mean, variance): (Tensor, Tensor)
        if let given {
            mean = try given.mean.tensor(features: features)
            variance = try given.variance.tensor(features: features)
        } else {
            mean = try tensor(weights[0], features: features)
            variance = try tensor(weights[1], features: features)
        }
        return try Normalization(mean: mean, variance: variance, isInverse: isInverse)
    }

    /// Returns a weight with one value for each feature. With `axis=None`, the file has a single value for all
    /// features.
    private func tensor(_ weight: Tensor, features: Int) throws(ModelError) -> Tensor {
        axis.isNone && weight.values.count == 1 ? try KerasNumbers(weight.values).tensor(features: features) : weight
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        guard given == nil else { return [] }
        throw ModelError(code: .shape, context: "needs data for its mean and variance; give them as options in Keras")
    }
}

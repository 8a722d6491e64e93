import FoundationEssentials
import Recurrent

/// Keras' Rescaling (<https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>): one scale and
/// offset for all features, or one of each per feature.
struct KerasRescaling: KerasLayer {
    static let className = "Rescaling"

    private let scale: KerasNumbers
    private let offset: KerasNumbers

    private let version: KerasVersion

    private enum Option: CodingKey {
        case scale, offset
    }

    init(from decoder: any Decoder) throws {
        version = KerasVersion.of(decoder)
        let options = try decoder.container(keyedBy: Option.self)
        scale = try options.decode(KerasNumbers.self, forKey: .scale)
        offset = try options.decodeIfPresent(KerasNumbers.self, forKey: .offset) ?? KerasNumbers([0])
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try version.requireMaskIsKept(in: input)
        let input = try input.withKnownFeatures()
        try scale.require(features: input.features, of: "scale")
        try offset.require(features: input.features, of: "offset")
        return input
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Rescaling(
            scale: scale.tensor(features: input.features), offset: offset.tensor(features: input.features))
    }
}

import FoundationEssentials
import Recurrent

/// Keras' Masking (<https://keras.io/api/layers/core_layers/masking/>).
struct KerasMasking: KerasLayer {
    static let className = "Masking"

    private let value: Float

    private enum Option: String, CodingKey {
        case value = "mask_value"
    }

    init(from decoder: any Decoder) throws {
        value = try decoder.container(keyedBy: Option.self).decodeIfPresent(Float.self, forKey: .value) ?? 0
    }

    var maskedValue: Float? { value }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(.unsupported, "is given \(input); supported: (batch, timesteps, features)")
        }
        return KerasShape(try input.withKnownFeatures().axes, isMasked: true)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Masking(units: input.features, value: value)
    }
}

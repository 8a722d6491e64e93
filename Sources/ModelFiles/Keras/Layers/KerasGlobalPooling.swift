import FoundationEssentials
import Recurrent

/// The options that Keras' two global pooling layers for sequences share.
struct KerasPoolingOptions: Decodable {
    private enum Option: String, CodingKey {
        case keepsDimensions = "keepdims"
        case dataFormat = "data_format"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.keepsDimensions)
        if let format = try options.decodeIfPresent(String.self, forKey: .dataFormat), format != "channels_last" {
            throw Defect(.unsupported, "data_format='\(format)' is not supported; supported: channels_last")
        }
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(
                .unsupported,
                "is given \(input); supported: (batch, timesteps, features), as after return_sequences=True")
        }
        let input = try input.withKnownFeatures()
        return KerasShape([input.axes[0], input.features])
    }
}

/// One of Keras' two global pooling layers for sequences.
protocol KerasGlobalPooling: KerasLayer {
    var options: KerasPoolingOptions { get }
}

extension KerasGlobalPooling {
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try options.outputShape(of: input)
    }
}

/// Keras' GlobalAveragePooling1D (<https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>).
struct KerasGlobalAveragePooling1D: KerasGlobalPooling {
    static let className = "GlobalAveragePooling1D"

    let options: KerasPoolingOptions

    init(from decoder: any Decoder) throws {
        options = try KerasPoolingOptions(from: decoder)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try GlobalAveragePooling(units: input.features)
    }
}

/// Keras' GlobalMaxPooling1D (<https://keras.io/api/layers/pooling_layers/global_max_pooling1d/>).
struct KerasGlobalMaxPooling1D: KerasGlobalPooling {
    static let className = "GlobalMaxPooling1D"

    let options: KerasPoolingOptions

    init(from decoder: any Decoder) throws {
        options = try KerasPoolingOptions(from: decoder)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try GlobalMaxPooling(units: input.features)
    }
}

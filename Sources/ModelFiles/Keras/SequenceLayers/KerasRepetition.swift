import FoundationEssentials
import Recurrent

/// Keras' RepeatVector (<https://keras.io/api/layers/reshaping_layers/repeat_vector/>).
struct KerasRepeatVector: KerasLayer {
    static let className = "RepeatVector"

    private let copies: Int

    private enum Option: String, CodingKey {
        case copies = "n"
    }

    init(from decoder: any Decoder) throws {
        copies = try decoder.container(keyedBy: Option.self).length(.copies)
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 2 else {
            throw Defect(
                .unsupported, "is given \(input); supported: (batch, features), as after return_sequences=False")
        }
        let input = try input.withKnownFeatures()
        return KerasShape([input.axes[0], copies, input.features])
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Repetition(units: input.features, source: .last, copies: copies)
    }
}

/// Keras' UpSampling1D (<https://keras.io/api/layers/reshaping_layers/up_sampling1d/>).
struct KerasUpSampling1D: KerasLayer {
    static let className = "UpSampling1D"

    private let copies: Int

    private enum Option: String, CodingKey {
        case copies = "size"
    }

    init(from decoder: any Decoder) throws {
        copies = try decoder.container(keyedBy: Option.self).length(.copies, standard: 2)
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try input.withTimesteps { $0 * copies }
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Repetition(units: input.features, source: .each, copies: copies)
    }
}

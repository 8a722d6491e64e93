import FoundationEssentials
import Recurrent

/// Keras' Flatten (<https://keras.io/api/layers/reshaping_layers/flatten/>), limited to the cases in which it does not
/// change a timestep. The input must be one timestep, or the output of a layer that returns only its last output.
struct KerasFlatten: KerasPassThrough {
    static let className = "Flatten"

    private enum Option: String, CodingKey {
        case dataFormat = "data_format"
    }

    init(from decoder: any Decoder) throws {
        let format = try decoder.container(keyedBy: Option.self).decodeIfPresent(String.self, forKey: .dataFormat)
        guard format == nil || format == "channels_last" else {
            throw Defect(.unsupported, "data_format='\(format ?? "")' is not supported; supported: channels_last")
        }
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 2 || (input.axes.count == 3 && input.axes[1] == 1), !input.isMasked else {
            throw Defect(
                .unsupported,
                "with input \(input) is not supported; supported: (batch, features) and (batch, 1, features), not masked"
            )
        }
        return KerasShape([input.axes[0], input.axes.last ?? nil])
    }
}

/// Keras' Reshape (<https://keras.io/api/layers/reshaping_layers/reshape/>), limited to the cases in which it does not
/// change a timestep. The shape stays the same or loses a time axis of length 1.
struct KerasReshape: KerasPassThrough {
    static let className = "Reshape"

    private let target: [Int]

    private enum Option: String, CodingKey {
        case target = "target_shape"
    }

    init(from decoder: any Decoder) throws {
        target = try decoder.container(keyedBy: Option.self).decode([Int?].self, forKey: .target).map { $0 ?? -1 }
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        let given = Array(input.axes.dropFirst())
        let candidates = [given] + (given.count == 2 && given[0] == 1 ? [[given[1]]] : [])
        guard !input.isMasked, let axes = candidates.first(where: { isTarget($0) }) else {
            let text = target.map { "\($0)" }.joined(separator: ", ")
            throw Defect(
                .unsupported,
                "target_shape=(\(text)) of \(input) is not supported; supported: the input's own shape, not masked"
            )
        }
        return KerasShape([input.axes[0]] + axes)
    }

    /// Returns whether the option matches the given axes. The option may leave one axis open.
    private func isTarget(_ axes: [Int?]) -> Bool {
        guard axes.count == target.count, target.count(where: { $0 < 0 }) <= 1 else { return false }
        return zip(axes, target).allSatisfy { $1 < 0 || $0 == $1 }
    }
}

import FoundationEssentials
import Recurrent

/// A layer that divides the values of a sequence of fixed length into other timesteps. Without a change, the engine's
/// model omits the layer.
protocol KerasReshapingLayer: KerasLayer {}

extension KerasReshapingLayer {
    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        let target: [Int?]
        do {
            target = try outputShape(of: input).axes
        } catch {
            throw ModelError(code: .shape, context: error.context)
        }
        let length = input.axes.count == 3 ? input.axes[1] : nil
        guard input.isMasked || target.last != input.axes.last || target.count > input.axes.count else { return nil }
        let units = (target.last ?? nil) ?? input.features
        return try Reshaping(features: input.features, inputTimesteps: length, units: units)
    }
}

extension KerasShape {
    /// The maximum number of values of a sequence that is reshaped.
    static let maximumValues = 1 << 20

    /// The number of values of one sequence; nil if it is not fixed.
    fileprivate var values: Int? {
        var count = 1
        for axis in axes.dropFirst() {
            guard let axis, axis >= 1, axis <= Self.maximumValues / count else { return nil }
            count *= axis
        }
        return count
    }
}

/// Keras' Flatten (<https://keras.io/api/layers/reshaping_layers/flatten/>) of one timestep, or of sequences of a fixed
/// length.
struct KerasFlatten: KerasReshapingLayer {
    static let className = "Flatten"

    private enum Option: String, CodingKey {
        case dataFormat = "data_format"
    }

    init(from decoder: any Decoder) throws {
        try decoder.container(keyedBy: Option.self).requireChannelsLast(.dataFormat)
    }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        // A timestep stays as it is, whether or not the file states its width.
        if !input.isMasked, input.axes.count == 2 || (input.axes.count == 3 && input.axes[1] == 1) {
            return KerasShape([input.axes[0], input.axes.last ?? nil])
        }
        guard (2...3).contains(input.axes.count), let values = input.values else {
            throw Defect(
                .unsupported,
                "with input \(input) is not supported; supported: (batch, features) and (batch, timesteps, features) "
                    + "with a fixed number of timesteps, which the model's Input states")
        }
        return KerasShape([input.axes[0], values])
    }
}

/// Keras' Reshape (<https://keras.io/api/layers/reshaping_layers/reshape/>) between timesteps and sequences of fixed
/// length.
struct KerasReshape: KerasReshapingLayer {
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
        if !input.isMasked, isTarget(given) { return KerasShape([input.axes[0]] + given) }
        guard (1...2).contains(given.count), let values = input.values, let axes = target(of: values) else {
            let text = target.map { "\($0)" }.joined(separator: ", ")
            throw Defect(
                .unsupported,
                "target_shape=(\(text)) of \(input) is not supported; supported: (features,) and (timesteps, features) "
                    + "of the input's values, whose number the model's Input states, or the input's own shape, not masked"
            )
        }
        return KerasShape([input.axes[0]] + axes)
    }

    /// Returns whether the option matches the given axes. The option may leave one axis open.
    private func isTarget(_ axes: [Int?]) -> Bool {
        guard axes.count == target.count, target.count(where: { $0 < 0 }) <= 1 else { return false }
        return zip(axes, target).allSatisfy { $1 < 0 || $0 == $1 }
    }

    /// Returns the axes that the option gives to a number of values; nil if the values do not fill them.
    private func target(of values: Int) -> [Int?]? {
        guard (1...2).contains(target.count), target.count(where: { $0 < 0 }) <= 1,
            target.allSatisfy({ $0 < 0 || (1...KerasShape.maximumValues).contains($0) })
        else { return nil }
        let known = target.reduce(1) { $0 * max(1, $1) }
        guard values.isMultiple(of: known), target.contains(where: { $0 < 0 }) || values == known else { return nil }
        return target.map { $0 < 0 ? values / known : $0 }
    }
}

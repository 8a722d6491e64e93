import FoundationEssentials
import Recurrent

/// Keras' MaxPooling1D or AveragePooling1D.
protocol KerasWindowPooling: KerasLayer {
    /// The value that stands for a window.
    static var value: WindowPooling.Value { get }
    var window: SlidingWindow { get }
}

extension KerasWindowPooling {
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try input.withTimesteps { window.count(in: $0) }
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try WindowPooling(units: input.features, value: Self.value, window: window)
    }
}

/// Keras' MaxPooling1D (<https://keras.io/api/layers/pooling_layers/max_pooling1d/>).
struct KerasMaxPooling1D: KerasWindowPooling {
    static let className = "MaxPooling1D"
    static let value = WindowPooling.Value.maximum

    let window: SlidingWindow

    init(from decoder: any Decoder) throws { window = try SlidingWindow(poolingOptions: decoder) }
}

/// Keras' AveragePooling1D (<https://keras.io/api/layers/pooling_layers/average_pooling1d/>).
struct KerasAveragePooling1D: KerasWindowPooling {
    static let className = "AveragePooling1D"
    static let value = WindowPooling.Value.average

    let window: SlidingWindow

    init(from decoder: any Decoder) throws { window = try SlidingWindow(poolingOptions: decoder) }
}

private enum Option: String, CodingKey {
    case strides, padding
    case size = "pool_size"
    case dataFormat = "data_format"
}

extension SlidingWindow {
    /// Reads the options of a pooling layer. Without strides, the windows do not overlap.
    fileprivate init(poolingOptions decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.requireChannelsLast(.dataFormat)
        let size = try options.length(.size, standard: 2)
        try self.init(
            size: size, stride: options.length(.strides, standard: size),
            padding: options.padding(.padding, of: [.valid, .same]))
    }
}

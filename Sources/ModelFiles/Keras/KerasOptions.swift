import FoundationEssentials
import Recurrent

/// The `axis` option of a layer: a number, or a list of one number. Only the last axis is supported.
struct KerasAxis: Decodable {
    private let axes: [Int]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            axes = []
        } else if let axis = try? value.decode(Int.self) {
            axes = [axis]
        } else {
            axes = try value.decode([Int].self)
        }
    }

    /// Whether the option is -1, which is the last axis of any input.
    var isStandard: Bool { axes == [-1] }

    /// Whether the option is null, which means one number for all features.
    var isNone: Bool { axes.isEmpty }

    /// Selects the last axis, Keras' default.
    init() {
        axes = [-1]
    }

    func requireLast(of input: KerasShape) throws(Defect) {
        guard (2...3).contains(input.axes.count), axes == [-1] || axes == [input.axes.count - 1] else {
            throw Defect(.unsupported, "axis=\(axes) of \(input) is not supported; supported: the last axis, -1")
        }
    }
}

/// One number for all features, or one number per feature. In JSON, this is a number, a list, or the object that Keras
/// writes for an array.
struct KerasNumbers: Decodable {
    private let values: [Float]

    private enum Key: CodingKey {
        case config, value
    }

    init(_ values: [Float]) {
        self.values = values
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Float.self) {
            values = [number]
        } else if let list = try? value.decode([Float].self) {
            values = list
        } else if let lists = try? value.decode([KerasNumbers].self), let only = lists.first, lists.count == 1 {
            // Outer axes of length 1 have no effect on the last axis.
            values = only.values
        } else {
            values = try decoder.container(keyedBy: Key.self).nestedContainer(keyedBy: Key.self, forKey: .config)
                .decode(KerasNumbers.self, forKey: .value).values
        }
    }

    func require(features: Int, of option: String) throws(Defect) {
        guard values.count == 1 || values.count == features else {
            throw Defect(
                .unsupported,
                "\(option) with \(values.count) numbers is not supported; supported: 1, or one for each of the "
                    + "\(features) features")
        }
    }

    /// Returns the numbers as a tensor of shape (features).
    func tensor(features: Int) throws(ModelError) -> Tensor {
        try Tensor(
            shape: [features],
            values: values.count == features ? values : Array(repeating: values[0], count: features))
    }
}

/// The maximum number of units in a layer. Stream models have far fewer, and sizes computed from this maximum do not
/// overflow.
private let maximumUnits = 1 << 20

extension KeyedDecodingContainer {
    /// Decodes a Boolean option. The result is false if the file does not have the option.
    func flag(_ key: Key) throws -> Bool {
        try decodeIfPresent(Bool.self, forKey: key) ?? false
    }

    /// Refuses a layer in which an unsupported option is true.
    func refuse(_ key: Key) throws {
        if try flag(key) {
            throw Defect(.unsupported, "\(key.stringValue)=True is not supported; supported: False")
        }
    }

    /// Decodes the number of units of a layer.
    func units(_ key: Key) throws -> Int {
        let units = try decode(Int.self, forKey: key)
        guard (1...maximumUnits).contains(units) else {
            throw Defect(.unsupported, "\(units) units are not supported; supported: 1 to \(maximumUnits)")
        }
        return units
    }

    /// Decodes the axis of a layer. The result is the last axis if the file does not have the option.
    func axis(_ key: Key) throws -> KerasAxis {
        contains(key) ? try decode(KerasAxis.self, forKey: key) : KerasAxis()
    }
}

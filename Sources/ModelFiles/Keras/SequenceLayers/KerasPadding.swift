import FoundationEssentials
import Recurrent

/// Keras' ZeroPadding1D or Cropping1D.
protocol KerasPadding: KerasLayer {
    /// The number of zeros to add before and after a sequence; below zero, the number of timesteps to drop.
    var before: Int { get }
    var after: Int { get }
}

extension KerasPadding {
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        try input.withTimesteps { $0 + before + after >= 1 ? $0 + before + after : nil }
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Padding(units: input.features, before: before, after: after)
    }
}

/// Keras' ZeroPadding1D (<https://keras.io/api/layers/reshaping_layers/zero_padding1d/>).
struct KerasZeroPadding1D: KerasPadding {
    static let className = "ZeroPadding1D"

    let before: Int
    let after: Int

    private enum Option: String, CodingKey {
        case padding
        case dataFormat = "data_format"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.requireChannelsLast(.dataFormat)
        (before, after) = try options.ends(.padding)
    }
}

/// Keras' Cropping1D (<https://keras.io/api/layers/reshaping_layers/cropping1d/>).
struct KerasCropping1D: KerasPadding {
    static let className = "Cropping1D"

    let before: Int
    let after: Int

    private enum Option: CodingKey {
        case cropping
    }

    init(from decoder: any Decoder) throws {
        let (before, after) = try decoder.container(keyedBy: Option.self).ends(.cropping)
        (self.before, self.after) = (-before, -after)
    }
}

extension KeyedDecodingContainer {
    /// Decodes the numbers of timesteps at the two ends of a sequence: one number for both, or a list of two.
    fileprivate func ends(_ key: Key) throws -> (before: Int, after: Int) {
        let most = 1 << 16
        let numbers = try (try? [decode(Int.self, forKey: key)]) ?? decodeIfPresent([Int].self, forKey: key) ?? [1]
        guard (1...2).contains(numbers.count), numbers.allSatisfy({ (0...most).contains($0) }) else {
            throw Defect(
                .unsupported,
                "\(key.stringValue)=\(numbers) is not supported; supported: one or two numbers from 0 to \(most)")
        }
        return (numbers[0], numbers[numbers.count - 1])
    }
}

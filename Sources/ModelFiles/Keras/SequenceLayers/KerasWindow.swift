import FoundationEssentials
import Recurrent

/// A number of timesteps in the options of a layer for sequences: a number, or a list of one number.
struct KerasLength: Decodable {
    let value: Int

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            value = number
            return
        }
        let numbers = try container.decode([Int].self)
        guard numbers.count == 1 else {
            throw Defect(
                .unsupported,
                "\(decoder.codingPath.last?.stringValue ?? "length")=\(numbers) is not supported; supported: one number"
            )
        }
        value = numbers[0]
    }
}

extension KeyedDecodingContainer {
    /// Decodes a number of timesteps.
    ///
    /// - Throws: ``Defect`` if the number is below 1 or unreasonably large.
    func length(_ key: Key, standard: Int? = nil) throws -> Int {
        let most = 1 << 16
        guard let length = try decodeIfPresent(KerasLength.self, forKey: key)?.value ?? standard else {
            throw Defect(.corrupt, "\(key.stringValue) is missing")
        }
        guard (1...most).contains(length) else {
            throw Defect(
                .unsupported, "\(key.stringValue)=\(length) is not supported; supported: 1 to \(most)")
        }
        return length
    }

    /// Decodes the padding of a layer with windows.
    func padding(_ key: Key, of supported: [SlidingWindow.Padding]) throws -> SlidingWindow.Padding {
        let name = try decodeIfPresent(String.self, forKey: key) ?? SlidingWindow.Padding.valid.rawValue
        guard let padding = SlidingWindow.Padding(rawValue: name), supported.contains(padding) else {
            let names = supported.map(\.rawValue).joined(separator: ", ")
            throw Defect(.unsupported, "\(key.stringValue)='\(name)' is not supported; supported: \(names)")
        }
        return padding
    }

    /// Refuses a layer whose features are not on the last axis.
    func requireChannelsLast(_ key: Key) throws {
        if let format = try decodeIfPresent(String.self, forKey: key), format != "channels_last" {
            throw Defect(.unsupported, "\(key.stringValue)='\(format)' is not supported; supported: channels_last")
        }
    }
}

extension KerasShape {
    /// Returns the shape of sequences with another number of timesteps, for a layer that destroys masks.
    ///
    /// - Parameters:
    ///   - features: The width of one output timestep; nil if it does not change.
    ///   - timesteps: Returns the number of output timesteps; nil if the sequence is too short.
    /// - Returns: The shape.
    /// - Throws: ``Defect`` if this is not a shape of sequences, or if the sequences are too short.
    func withTimesteps(
        features: Int? = nil, _ timesteps: (Int) -> Int?
    ) throws(Defect) -> KerasShape {
        guard axes.count == 3 else {
            throw Defect(
                .unsupported,
                "is given \(self); supported: (batch, timesteps, features), as after return_sequences=True")
        }
        let shape = if let features { withFeatures(features) } else { try withKnownFeatures() }
        guard let count = axes[1] else { return KerasShape(shape.axes) }
        guard count >= 1, let outputs = timesteps(count) else {
            throw Defect(.unsupported, "is given \(self), but \(count) timesteps are too few")
        }
        return KerasShape([axes[0], outputs, shape.axes[2]])
    }
}

import FoundationEssentials
import Recurrent

/// An activation in a layer's options: a name, null for none, or an object with the name of a function or the
/// configuration of an activation layer.
///
/// Keras writes its own functions as names, and layers and custom functions as objects
/// (<https://keras.io/api/layers/activations/>).
struct KerasActivation: Decodable {
    /// Keras' names for the elementwise functions.
    static let elementwiseNames =
        Activation.named.filter { $0.isElementwise && $0 != .hardSigmoidOfKeras2 }.map(\.name) + ["swish"]

    /// The engine's function.
    let function: Activation

    private enum Key: String, CodingKey {
        case config
        case className = "class_name"
    }

    init(from decoder: any Decoder) throws {
        let option = decoder.codingPath.last?.stringValue ?? "activation"
        if let layer = try KerasActivationOfLayer(from: decoder, option: option) {
            function = layer.function
            return
        }
        let name = try Self.name(from: decoder, option: option)
        switch name {
        case nil: function = .linear
        case "swish": function = .silu
        case "hard_sigmoid": function = try Self.hardSigmoid(from: decoder, option: option)
        case let name?:
            guard let known = Activation(name: name), known == .softmax || Self.elementwiseNames.contains(name) else {
                throw Self.refusal(option, name, supported: Self.elementwiseNames + ["softmax"])
            }
            function = known
        }
    }

    private static func name(from decoder: any Decoder, option: String) throws -> String? {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() { return nil }
        if let name = try? value.decode(String.self) { return name }
        let supported = (elementwiseNames + ["softmax"]).joined(separator: ", ")
        guard let object = try? decoder.container(keyedBy: Key.self),
            let className = try? object.decode(String.self, forKey: .className)
        else {
            throw Defect(.unsupported, "\(option) is not a named function; supported: \(supported)")
        }
        if className == "function", let name = try? object.decode(String.self, forKey: .config) { return name }
        throw refusal(
            option, className,
            supported: elementwiseNames + ["softmax", "and the layers \(KerasActivationOfLayer.names)"])
    }

    /// Returns the function for `hard_sigmoid`, a name that means different functions in Keras 2 and Keras 3.
    private static func hardSigmoid(from decoder: any Decoder, option: String) throws -> Activation {
        guard let isBefore3 = KerasVersion.of(decoder).isBefore3 else {
            throw Defect(
                .unsupported,
                "\(option)='hard_sigmoid' is not supported in a file without a Keras version; "
                    + "supported: files with keras_version")
        }
        return isBefore3 ? .hardSigmoidOfKeras2 : .hardSigmoid
    }

    static func refusal(_ option: String, _ name: String, supported: [String]) -> Defect {
        Defect(
            .unsupported, "\(option)='\(name)' is not supported; supported: \(supported.joined(separator: ", "))")
    }
}

extension KeyedDecodingContainer {
    /// Decodes the activation that a layer applies to its output.
    ///
    /// - Parameters:
    ///   - key: Keras' name of the option.
    ///   - standard: Keras' default if the file does not have the option.
    /// - Returns: The engine's function.
    /// - Throws: ``Defect`` if the engine does not support the function.
    func activation(_ key: Key, standard: Activation) throws -> Activation {
        contains(key) ? try decode(KerasActivation.self, forKey: key).function : standard
    }

    /// Decodes an activation of a recurrent cell, which must be elementwise.
    func cellActivation(_ key: Key, standard: Activation) throws -> Activation {
        let activation = try activation(key, standard: standard)
        guard activation.isElementwise else {
            throw KerasActivation.refusal(
                key.stringValue, activation.name, supported: KerasActivation.elementwiseNames)
        }
        return activation
    }

    /// Decodes the activation of a recurrent cell's gates. The default changed with Keras 2.3.
    func gateActivation(_ key: Key, version: KerasVersion) throws -> Activation {
        if contains(key) { return try cellActivation(key, standard: .sigmoid) }
        guard let numbers = version.numbers else { throw undecided(key) }
        return version.isStandAlone && numbers < (2, 3) ? .hardSigmoidOfKeras2 : .sigmoid
    }

    /// Returns the defect for a file that states neither the option nor the Keras version that determines the option's
    /// default.
    func undecided(_ key: Key) -> Defect {
        Defect(
            .unsupported,
            "\(key.stringValue) is missing in a file without a Keras version; supported: files with "
                + "keras_version")
    }
}

import FoundationEssentials
import Recurrent
import Wire

/// A model in Sluice's exchange form: the architecture as JSON in Keras' vocabulary, and the weights by name. Every
/// format is read into it, the engine's model is built from it, and a `.safetensors` file of Sluice is nothing else.
///
/// A weight's name is the layer's and Keras' name of the weight: `lstm/recurrent_kernel`,
/// `bidirectional/forward/kernel`.
package struct ExchangeForm: Sendable {
    /// The JSON of a Sequential model, in UTF-8.
    package let architecture: [UInt8]
    /// The version of Keras in whose sense options are meant, as the source told it; nil: as Keras 3 means them.
    package let kerasVersion: String?
    /// The format that the model was read from, before it came to this form; nil where it began in it.
    package let sourceFormat: String?
    /// The weights, each name once, in the order of their names.
    private let tensors: [NamedTensor]

    /// What stands for the version of a source that did not tell it, so that no default is taken from Keras 3.
    package static let unknownVersion = "unknown"

    /// Creates the form.
    ///
    /// - Parameters:
    ///   - architecture: JSON as it stands in a Keras file.
    ///   - kerasVersion: The version of Keras that it is meant in.
    ///   - sourceFormat: The format that it was read from.
    ///   - tensors: The weights.
    /// - Throws: ``Defect`` with the code `corrupt` where two weights have one name, or the JSON is none.
    package init(
        architecture: [UInt8], kerasVersion: String?, sourceFormat: String, tensors: [NamedTensor]
    ) throws(Defect) {
        self.architecture = try Self.withoutTraining(architecture)
        self.kerasVersion = kerasVersion
        self.sourceFormat = sourceFormat
        self.tensors = tensors.sorted { $0.name < $1.name }
        var names: Set<String> = []
        for name in tensors.map(\.name) where !names.insert(name).inserted {
            throw Defect(.corrupt, "there are two weights of the name '\(name)'")
        }
    }

    /// What a configuration of Keras has besides what an answer is computed from.
    private static let notOfTheModel: Set<String> = [
        "build_config", "compile_config", "module", "registered_name", "shared_object_id",
    ]
    /// How the options of a layer end that act in training only.
    private static let endsOfTraining = ["_initializer", "_regularizer", "_constraint"]

    private static func isTraining(_ key: String) -> Bool {
        notOfTheModel.contains(key) || endsOfTraining.contains { key.hasSuffix($0) }
    }

    private static func withoutTraining(_ architecture: [UInt8]) throws(Defect) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let value = try JSONDecoder().decode(JSONValue.self, from: Data(architecture))
            return Array(try encoder.encode(value.without(isTraining)))
        } catch {
            throw Defect(.corrupt, "architecture: \(error)")
        }
    }
}

extension JSONValue {
    /// The value without some members of its objects.
    fileprivate func without(_ isLeftOut: (String) -> Bool) -> JSONValue {
        switch self {
        case .object(let members):
            .object(members.filter { !isLeftOut($0.key) }.mapValues { $0.without(isLeftOut) })
        case .array(let elements): .array(elements.map { $0.without(isLeftOut) })
        default: self
        }
    }
}

// MARK: - As a file

extension ExchangeForm {
    private static let format = "sluice"
    private static let formatVersion = "1"

    private enum Key {
        static let format = "format"
        static let formatVersion = "format_version"
        static let architecture = "architecture"
        static let kerasVersion = "keras_version"
        static let sourceFormat = "source_format"
    }

    /// Whether a safetensors file says that it is of Sluice.
    static func isForm(_ file: Safetensors) -> Bool { file.metadata[Key.format] == format }

    /// The model as the bytes of a `.safetensors` file, the same for the same model.
    package var bytes: [UInt8] {
        var metadata = [
            Key.format: Self.format, Key.formatVersion: Self.formatVersion,
            Key.architecture: String(decoding: architecture, as: UTF8.self),
        ]
        metadata[Key.kerasVersion] = kerasVersion
        metadata[Key.sourceFormat] = sourceFormat
        return Safetensors.bytes(metadata: metadata, tensors: tensors)
    }

    /// Reads the form from a safetensors file, which is not trusted.
    ///
    /// - Throws: ``Defect``: `corrupt` where something is missing or damaged, `unsupported` for another version of the
    ///   format or numbers that are not floating-point.
    init(_ file: Safetensors) throws(Defect) {
        let version = file.metadata[Key.formatVersion]
        guard version == Self.formatVersion else {
            throw Defect(
                .unsupported,
                "format_version \(version ?? "is missing and") is not supported; supported: \(Self.formatVersion)")
        }
        guard let architecture = file.metadata[Key.architecture] else {
            throw Defect(.corrupt, "the architecture is missing from __metadata__")
        }
        self.architecture = Array(architecture.utf8)
        kerasVersion = file.metadata[Key.kerasVersion]
        sourceFormat = file.metadata[Key.sourceFormat]
        var tensors: [NamedTensor] = []
        for name in file.names {
            tensors.append(NamedTensor(name: name, tensor: try file.tensor(name)))
        }
        self.tensors = tensors
    }

    /// The weights of each layer that an answer needs, in the order of ``KerasLayer/weights``.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` where one is missing, or there are others.
    func weights(of layers: [KerasArchitecture.NamedLayer]) throws(Defect) -> [[Tensor]] {
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        var unused = Set(byName.keys)
        var weights: [[Tensor]] = []
        for layer in layers {
            var ofLayer: [Tensor] = []
            for weight in layer.weights where weight.isRead {
                let name = layer.tensorName(weight)
                guard let tensor = byName[name] else {
                    throw Defect(.corrupt, "tensor '\(name)' is missing")
                        .inLayer(layer.name, className: layer.className)
                }
                guard unused.remove(name) != nil else {
                    throw Defect(.corrupt, "tensor '\(name)' is another layer's, too")
                        .inLayer(layer.name, className: layer.className)
                }
                ofLayer.append(tensor)
            }
            weights.append(ofLayer)
        }
        guard unused.isEmpty else {
            throw Defect(.corrupt, "no layer has the tensors \(unused.sorted())")
        }
        return weights
    }
}

extension KerasArchitecture.NamedLayer {
    /// The name of one of the layer's weights in the exchange form.
    package func tensorName(_ weight: KerasWeight) -> String { "\(name)/\(weight.name)" }
}

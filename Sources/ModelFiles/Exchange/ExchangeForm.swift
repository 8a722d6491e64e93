import FoundationEssentials
import Recurrent
import Wire

/// A model in Sluice's exchange form: the architecture as JSON in Keras' vocabulary, and the weights by name. Every
/// format is converted to this form, and the engine's model is built from it. A `.safetensors` file that Sluice writes
/// contains exactly this form.
///
/// A weight's name consists of the layer's name and Keras' name for the weight: `lstm/recurrent_kernel`,
/// `bidirectional/forward/kernel`.
package struct ExchangeForm: Sendable {
    /// The JSON of a Sequential or Functional model, in UTF-8.
    package let architecture: [UInt8]
    /// The version of Keras that defines the meaning of options; nil for Keras 3.
    package let kerasVersion: String?
    /// The format that the model was converted from; nil if the model was already in this form.
    package let sourceFormat: String?
    /// The loss that the model was compiled with, if the file states it.
    package let loss: CompiledLoss?
    /// The training state; nil if the source has none or was read without it.
    package var training: TrainingState?
    /// The weights, sorted by name. The names are unique.
    private(set) var tensors: [NamedTensor]
    /// The weights that are still in the Keras file. The process that reads a Keras file does not copy them. Its caller
    /// does, with ``filled(from:)``.
    private var places: [TensorPlace] = []

    /// The value of ``kerasVersion`` if the source states no version. The architecture must then state every option
    /// whose default has changed between versions.
    package static let unknownVersion = "unknown"

    /// Creates the form.
    ///
    /// - Parameters:
    ///   - architecture: JSON as in a Keras file.
    ///   - kerasVersion: The version of Keras that defines the meaning of options.
    ///   - sourceFormat: The format that the model was read from.
    ///   - tensors: The weights.
    ///   - places: The weights that are still in a Keras file.
    ///   - loss: The loss that the model was compiled with.
    ///   - training: The training state.
    /// - Throws: ``Defect`` with the code `corrupt` if two weights have the same name, or if the JSON is invalid.
    package init(
        architecture: [UInt8], kerasVersion: String?, sourceFormat: String?, tensors: [NamedTensor],
        places: [TensorPlace] = [], loss: CompiledLoss? = nil, training: TrainingState? = nil
    ) throws(Defect) {
        self.architecture = try Self.withoutTraining(architecture)
        self.kerasVersion = kerasVersion
        self.sourceFormat = sourceFormat
        self.loss = loss
        self.training = training
        self.tensors = try Self.sorted(tensors)
        self.places = places
    }

    /// Sorts weights by name.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if two weights have the same name.
    private static func sorted(_ tensors: [NamedTensor]) throws(Defect) -> [NamedTensor] {
        let sorted = tensors.sorted { $0.name < $1.name }
        for (tensor, next) in zip(sorted, sorted.dropFirst()) where tensor.name == next.name {
            throw Defect(.corrupt, "two weights have the name '\(tensor.name)'")
        }
        return sorted
    }

    /// Returns the form with all weights. Those that are still in the Keras file are read from there.
    ///
    /// The places are untrusted.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if a place is not in the file, or `unreadable`.
    package func filled(from file: FileBytes) throws(Defect) -> ExchangeForm {
        var form = self
        form.places = []
        var size = 0
        for place in places {
            let tensor = try place.tensor(in: file)
            // Several weights may claim the same place, but their sizes are limited together.
            size += tensor.tensor.values.count * MemoryLayout<Float>.size
            guard size <= file.size else { throw Defect(.corrupt, "the weights are larger than the file") }
            form.tensors.append(tensor)
        }
        form.tensors = try Self.sorted(form.tensors)
        return form
    }

    /// Members of a Keras configuration that do not affect the model's outputs.
    private static let notOfTheModel: Set<String> = [
        "build_config", "compile_config", "module", "registered_name", "shared_object_id",
    ]
    /// The suffixes of layer options that only affect training.
    private static let endsOfTraining = ["_initializer"]

    /// The suffixes of options that affect training. They are kept unless they are null.
    private static let endsOfRules = ["_regularizer", "_constraint"]

    private static func isTraining(_ key: String, _ value: JSONValue) -> Bool {
        notOfTheModel.contains(key) || endsOfTraining.contains { key.hasSuffix($0) }
            || value == .null && endsOfRules.contains { key.hasSuffix($0) }
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
    /// Returns the value without the object members that `isLeftOut` selects.
    fileprivate func without(_ isLeftOut: (String, JSONValue) -> Bool) -> JSONValue {
        switch self {
        case .object(let members):
            .object(members.filter { !isLeftOut($0.key, $0.value) }.mapValues { $0.without(isLeftOut) })
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
        static let loss = "loss"
        static let compilation = "compile_config"
        static let places = "weights_in_file"
    }

    /// Whether the metadata of a safetensors file declares Sluice's form.
    static func isForm(_ file: Safetensors) -> Bool { file.metadata[Key.format] == format }

    /// The model as a `.safetensors` file. Equal models produce equal bytes.
    package var bytes: [UInt8] { Safetensors.bytes(metadata: metadata, tensors: writtenTensors) }

    /// Writes ``bytes`` to a descriptor without a copy of the weights.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor.
    ///   - first: Returns bytes to write before, given the number of ``bytes``.
    /// - Returns: Whether the write succeeded; if not, `errno` holds the reason.
    package func writeAll(to descriptor: Int32, after first: (Int) -> [UInt8]) -> Bool {
        let tensors = writtenTensors
        let start = Safetensors.start(metadata: metadata, tensors: tensors)
        guard (first(start.count + Safetensors.size(of: tensors)) + start).writeAll(to: descriptor) else {
            return false
        }
        return tensors.allSatisfy { tensor in
            tensor.tensor.values.withLittleEndianBytes { $0.writeAll(to: descriptor) }
        }
    }

    private var writtenTensors: [NamedTensor] { tensors + (training?.optimizer?.named ?? []) }

    private var metadata: [String: String] {
        var metadata = [
            Key.format: Self.format, Key.formatVersion: Self.formatVersion,
            Key.architecture: String(decoding: architecture, as: UTF8.self),
        ]
        metadata[Key.kerasVersion] = kerasVersion
        metadata[Key.sourceFormat] = sourceFormat
        metadata[Key.loss] = loss?.json
        metadata[Key.compilation] = (training?.compilation?.json).map { String(decoding: $0, as: UTF8.self) }
        training?.optimizer?.add(to: &metadata)
        if !places.isEmpty { metadata[Key.places] = TensorPlace.json(places) }
        return metadata
    }

    /// Reads the form from an untrusted safetensors file.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if something is missing or damaged, or `unsupported` if the format
    ///   version is unknown or a tensor is not floating-point.
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
        loss = file.metadata[Key.loss].flatMap { CompiledLoss(json: Array($0.utf8)) }
        let (tensors, optimizer) = try OptimizerVariables.split(file)
        self.tensors = tensors
        training = TrainingState(
            compilation: file.metadata[Key.compilation].flatMap { KerasCompilation(json: Array($0.utf8)) },
            optimizer: optimizer)
        places = file.metadata[Key.places].flatMap(TensorPlace.places) ?? []
    }

    /// Returns, for each layer, the weights that the model's outputs depend on, in the order of ``KerasLayer/weights``.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if a weight is missing, or belongs to two layers or to none.
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
                    throw Defect(.corrupt, "tensor '\(name)' belongs to two layers")
                        .inLayer(layer.name, className: layer.className)
                }
                ofLayer.append(tensor)
            }
            weights.append(ofLayer)
        }
        guard unused.isEmpty else {
            throw Defect(.corrupt, "the tensors \(unused.sorted()) belong to no layer")
        }
        return weights
    }
}

extension KerasArchitecture.NamedLayer {
    /// Returns the name of one of the layer's weights in the exchange form.
    package func tensorName(_ weight: KerasWeight) -> String { "\(name)/\(weight.name)" }
}

import FoundationEssentials
import Recurrent

extension KerasModel.Member: Decodable {
    private enum Key: String, CodingKey {
        case calls = "inbound_nodes"
        case config, dtype, layer, layers, name, ragged, sparse, trainable
    }

    /// Decodes the member as the kind of layer that its class name selects.
    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        className = try KerasClass(from: decoder).name
        let config = try object.nestedContainer(keyedBy: Key.self, forKey: .config)
        name = try object.decodeIfPresent(String.self, forKey: .name) ?? config.decode(String.self, forKey: .name)
        calls = try object.decodeIfPresent([KerasCall].self, forKey: .calls) ?? []
        do {
            content = try Self.content(decoder, object, config, name: name, className: className, calls)
        } catch let defect as Defect where config.contains(.layers) {
            throw defect
        } catch let defect as Defect {
            throw defect.inLayer(name, className: className)
        }
    }

    private static func content(
        _ decoder: any Decoder, _ object: KeyedDecodingContainer<Key>, _ config: KeyedDecodingContainer<Key>,
        name: String, className: String, _ calls: [KerasCall]
    ) throws -> KerasModel.Content {
        if config.contains(.layers) { return .model(try KerasModel(from: decoder)) }
        if className == "InputLayer" {
            let dtype = try config.decodeIfPresent(KerasDType.self, forKey: .dtype)
            try config.refuse(.sparse)
            try config.refuse(.ragged)
            return .input(dtype)
        }
        // An operation has neither a number type nor weights. Some operations have the class names of layers.
        let isOperation = !config.contains(.trainable) && !config.contains(.dtype) && !calls.isEmpty
        let kind = KerasArchitecture.kinds.first { $0.className == className }
        if isOperation || KerasOperation.isOfTensorFlow(className) || kind == nil,
            let operation = try KerasOperation(decoder)
        {
            return .operation(operation)
        }
        guard let kind else { throw refusal(of: className, name: name) }
        let dtype = try config.decodeIfPresent(KerasDType.self, forKey: .dtype)
        try dtype?.requireLayer()
        return .layer(
            try kind.init(from: object.superDecoder(forKey: .config)), isTrainable: try isTrainable(config),
            dtype: dtype)
    }

    private static func refusal(of className: String, name: String) -> Defect {
        if let words = reason(className) {
            return Defect(
                .unsupported, layer: name, "layer '\(name)' (\(className)) is not supported, because it \(words)")
        }
        let supported = (["InputLayer"] + KerasArchitecture.kinds.map { $0.className }).joined(separator: ", ")
        return Defect(
            .unsupported, layer: name,
            "layer '\(name)' (\(className)) is not supported; supported layers: \(supported)")
    }

    /// Returns the reason why a class cannot be supported, and what to do instead; nil if the class is merely not
    /// supported yet.
    private static func reason(_ className: String) -> String? {
        switch className {
        case "Lambda":
            "runs Python code; put a layer of Keras in its place, such as Rescaling, Activation or Dense"
        case "TextVectorization", "StringLookup", "IntegerLookup", "Hashing":
            "turns text or numbers into tokens; save the model without it, and send the tokens"
        case let name where name.contains(">"):
            "is a class of your own, whose code is not in the file; build the model of Keras' own layers"
        default: nil
        }
    }

    /// Returns whether a layer is trainable. If it wraps another layer, both must be trainable.
    private static func isTrainable(_ config: KeyedDecodingContainer<Key>) throws -> Bool {
        let inner = try? config.nestedContainer(keyedBy: Key.self, forKey: .layer)
            .nestedContainer(keyedBy: Key.self, forKey: .config)
        return try [config, inner].compactMap(\.self).allSatisfy {
            try $0.decodeIfPresent(Bool.self, forKey: .trainable) ?? true
        }
    }
}

// MARK: - Calls

extension KerasModel.Member {
    /// Returns the tensors that a call takes.
    func inputs(of call: KerasCall) -> [KerasTensor] {
        if case .operation(let operation) = content { operation.inputs(of: call) } else { call.inputs }
    }

    /// Returns one of the calls.
    func call(_ number: Int) throws(Defect) -> KerasCall {
        guard calls.indices.contains(number) else {
            throw Defect(.corrupt, "call \(number) is not in inbound_nodes").inLayer(name, className: className)
        }
        return calls[number]
    }
}

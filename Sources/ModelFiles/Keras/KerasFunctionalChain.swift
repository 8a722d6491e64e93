import FoundationEssentials

/// The graph of a Functional model. Only a single chain from one input to one output is supported: each layer takes the
/// output of exactly one other layer.
///
/// Keras 3 also writes masks into the graph, both as operations (`NotEqual`, `Any`) among the layers and as the layers'
/// `mask` argument. These masks must be the ones that the chain itself implies.
struct KerasFunctionalChain {
    /// The maximum number of layers and operations in a graph.
    private static let maximumNodes = 1024
    /// The operations that create masks.
    private static let maskOperations: Set<String> = ["NotEqual", "Any"]

    /// The positions of the chain's layers among the model's layers, from the input to the output.
    let indices: [Int]

    /// Follows the chain from the model's output back to its input.
    ///
    /// - Parameters:
    ///   - nodes: The nodes of the graph.
    ///   - inputs: The names of the model's inputs.
    ///   - outputs: The names of the model's outputs.
    /// - Throws: ``Defect`` with the code `unsupported` if the graph is not a chain.
    init(_ nodes: [Node], inputs: [String], outputs: [String]) throws(Defect) {
        guard inputs.count == 1, outputs.count == 1, var name = outputs.first else {
            throw Defect(
                .unsupported,
                "a functional model with \(inputs.count) \(inputs.count == 1 ? "input" : "inputs") and \(outputs.count) "
                    + "\(outputs.count == 1 ? "output" : "outputs") is not supported; supported: one input, which may hold the "
                    + "features of several, and one output")
        }
        guard nodes.count <= Self.maximumNodes else {
            throw Defect(.unsupported, "\(nodes.count) layers are not supported; supported: \(Self.maximumNodes)")
        }
        var places: [String: Int] = [:]
        for (index, node) in nodes.enumerated() { places[node.name] = index }
        var indices: [Int] = []
        while true {
            guard let index = places[name], !indices.contains(index) else {
                throw Defect(.corrupt, "the graph of the functional model lacks the layer '\(name)'")
            }
            indices.append(index)
            if nodes[index].className == "InputLayer" { break }
            name = try nodes[index].onlyInput()
        }
        indices.reverse()
        self.indices = indices
        for index in indices { try nodes[index].requirePlainCall() }
        for (index, node) in nodes.enumerated()
        where !indices.contains(index) && !Self.maskOperations.contains(node.className) {
            throw Defect(
                .unsupported,
                "is not on the chain from the functional model's input to its output; supported: models that are one chain"
            )
            .inLayer(node.name, className: node.className)
        }
        try Self.checkMasks(along: indices.map { nodes[$0] }, of: nodes, places)
    }

    /// Checks each layer with a mask argument. The mask must come from the nearest earlier layer that creates masks.
    private static func checkMasks(
        along chain: [Node], of nodes: [Node], _ places: [String: Int]
    ) throws(Defect) {
        var maker: (input: String, value: Float)?
        for (before, node) in zip(chain, chain.dropFirst()) {
            if let mask = node.mask {
                var origin = places[mask].map { nodes[$0] }
                if let any = origin, any.className == "Any" {
                    origin = places[try any.onlyInput()].map { nodes[$0] }
                }
                guard let origin, origin.className == "NotEqual", let maker,
                    try origin.onlyInput() == maker.input, origin.constant == maker.value
                else {
                    throw Defect(
                        .unsupported, "a mask of its own is not supported; supported: the mask of the layers before"
                    )
                    .inLayer(node.name, className: node.className)
                }
            }
            if let value = node.maskedValue { maker = (before.name, value) }
        }
    }
}

extension KerasFunctionalChain {
    /// One layer or operation of the graph.
    struct Node: Decodable {
        let name: String
        let className: String
        /// For each call of the layer, the names of the layers whose outputs the call takes.
        private let calls: [[String]]
        /// The layer or operation whose output is passed as the mask.
        let mask: String?
        /// Another named argument of a call, such as `training=True`.
        private let option: String?
        /// The number that an operation takes besides its input.
        let constant: Float?
        /// The value that a Masking, or an Embedding with `mask_zero`, treats as masked.
        let maskedValue: Float?

        private enum Key: String, CodingKey {
            case name, config
            case className = "class_name"
            case inboundNodes = "inbound_nodes"
            case maskValue = "mask_value"
            case masksZero = "mask_zero"
        }

        init(from decoder: any Decoder) throws {
            let object = try decoder.container(keyedBy: Key.self)
            let config = try object.nestedContainer(keyedBy: Key.self, forKey: .config)
            name = try object.decodeIfPresent(String.self, forKey: .name) ?? config.decode(String.self, forKey: .name)
            className = try object.decode(String.self, forKey: .className)
            let inbound = try object.decodeIfPresent([Call].self, forKey: .inboundNodes) ?? []
            calls = inbound.map(\.inputs)
            mask = inbound.compactMap(\.mask).first
            option = inbound.compactMap(\.option).first
            constant = inbound.compactMap(\.constant).first
            switch className {
            case "Masking": maskedValue = try config.decodeIfPresent(Float.self, forKey: .maskValue) ?? 0
            case "Embedding": maskedValue = try config.flag(.masksZero) ? 0 : nil
            default: maskedValue = nil
            }
        }

        /// Returns the name of the only layer whose output this layer takes.
        ///
        /// - Throws: ``Defect`` if the layer takes several outputs or is called several times.
        func onlyInput() throws(Defect) -> String {
            guard calls.count == 1, calls[0].count == 1, let input = calls[0].first else {
                throw Defect(
                    .unsupported,
                    "is called \(calls.count) times, with \(calls.map(\.count)) inputs; supported: once, with one input"
                )
                .inLayer(name, className: className)
            }
            return input
        }

        /// Refuses a supported layer that is called with more than its input and a mask. A node of an unsupported
        /// class, such as an operation, is refused elsewhere, because of its class.
        ///
        /// - Throws: ``Defect`` that names the argument.
        func requirePlainCall() throws(Defect) {
            guard let option, KerasArchitecture.kinds.contains(where: { $0.className == className }) else { return }
            throw Defect(.unsupported, "a call with \(option) is not supported; supported: a call with the input alone")
                .inLayer(name, className: className)
        }
    }

    /// The call of a layer. Keras 3 writes an object with `args` and `kwargs`. Keras 2 writes a list whose elements are
    /// `[name, call, output, kwargs]`.
    private struct Call: Decodable {
        let inputs: [String]
        let mask: String?
        let option: String?
        let constant: Float?

        private enum Key: String, CodingKey {
            case arguments = "args"
            case named = "kwargs"
            case mask
        }

        init(from decoder: any Decoder) throws {
            guard let object = try? decoder.container(keyedBy: Key.self) else {
                // For TensorFlow's operations, the value is a single tensor instead of a list of tensors.
                let value = try decoder.singleValueContainer()
                let tensors =
                    try (try? value.decode([KerasTensorOfKeras2].self)) ?? [value.decode(KerasTensorOfKeras2.self)]
                inputs = tensors.map(\.layer)
                mask = tensors.compactMap(\.mask).first
                option = tensors.compactMap(\.option).first
                constant = nil
                return
            }
            let arguments = try object.decode([Argument].self, forKey: .arguments)
            inputs = arguments.flatMap(\.layers)
            constant = arguments.compactMap(\.number).first
            mask = try object.nestedContainer(keyedBy: Key.self, forKey: .named)
                .decodeIfPresent(KerasTensor.self, forKey: .mask)?.layer
            option =
                arguments.contains(where: \.isOther)
                ? "more than tensors and numbers" : try object.decode(NamedArguments.self, forKey: .named).option
        }
    }

    /// A positional argument: a tensor, several tensors, a number, or any other argument of an operation, such as a
    /// slice.
    private struct Argument: Decodable {
        let layers: [String]
        let number: Float?
        let isOther: Bool

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            let tensors = (try? value.decode([KerasTensor].self)) ?? (try? value.decode(KerasTensor.self)).map { [$0] }
            layers = tensors?.map(\.layer) ?? []
            number = try? value.decode(Float.self)
            isOther = tensors == nil && number == nil && !value.decodeNil()
        }
    }

    /// The named arguments of a call besides a mask, such as `training` and `initial_state`. None and False have no
    /// effect.
    private struct NamedArguments: Decodable {
        /// The alphabetically first argument that has an effect, followed by `=True` if that is its value.
        let option: String?

        init(from decoder: any Decoder) throws {
            let arguments = try decoder.singleValueContainer().decode([String: Value?].self)
            option = arguments.filter { $0.key != "mask" }
                .compactMap { name, value in value?.text.map { name + $0 } }.min()
        }

        private struct Value: Decodable {
            /// `=True` for True, nil for False, and an empty string for any other value.
            let text: String?

            init(from decoder: any Decoder) throws {
                switch try? decoder.singleValueContainer().decode(Bool.self) {
                case true?: text = "=True"
                case false?: text = nil
                case nil: text = ""
                }
            }
        }
    }

    /// The output of a layer: an object whose `keras_history` begins with the layer's name.
    private struct KerasTensor: Decodable {
        let layer: String

        private enum Key: String, CodingKey {
            case config
            case history = "keras_history"
        }

        init(from decoder: any Decoder) throws {
            var history = try decoder.container(keyedBy: Key.self)
                .nestedContainer(keyedBy: Key.self, forKey: .config).nestedUnkeyedContainer(forKey: .history)
            layer = try history.decode(String.self)
        }
    }

    /// The output of a layer in a Keras 2 file: `[name, call, output, {"mask": …}]`.
    private struct KerasTensorOfKeras2: Decodable {
        let layer: String
        let mask: String?
        let option: String?

        private enum Key: CodingKey {
            case mask
        }

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            layer = try list.decode(String.self)
            _ = try list.decode(Int.self)
            _ = try list.decode(Int.self)
            guard !list.isAtEnd else {
                mask = nil
                option = nil
                return
            }
            let decoder = try list.superDecoder()
            option = try NamedArguments(from: decoder).option
            let named = try decoder.container(keyedBy: Key.self)
            let hasMask = try named.contains(.mask) && !named.decodeNil(forKey: .mask)
            // Keras 2 does not write automatic masks, so a mask in this position was passed explicitly.
            mask = hasMask ? "mask" : nil
        }
    }

    /// The model's inputs or outputs: one end `["name", 0, 0]`, a list of ends, or an object of ends.
    struct Ends: Decodable {
        let names: [String]

        init(from decoder: any Decoder) throws {
            if let end = try? End(from: decoder) {
                names = [end.name]
            } else if let object = try? decoder.singleValueContainer().decode([String: End].self) {
                names = object.values.map(\.name)
            } else {
                names = try decoder.singleValueContainer().decode([End].self).map(\.name)
            }
        }

        private struct End: Decodable {
            let name: String

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                name = try list.decode(String.self)
            }
        }
    }
}

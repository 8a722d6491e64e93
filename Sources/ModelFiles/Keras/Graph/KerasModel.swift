import FoundationEssentials
import Recurrent

/// A Sequential or Functional model as Keras' JSON describes it, with the models nested in it.
struct KerasModel: Decodable {
    /// A layer, an operation or a nested model.
    struct Member {
        let name: String
        let className: String
        let content: Content
        /// The calls in a functional model, in order.
        let calls: [KerasCall]
    }

    enum Content {
        case input(KerasDType?)
        case layer(any KerasLayer, isTrainable: Bool, dtype: KerasDType?)
        case model(KerasModel)
        /// An operation of Keras 3 or TensorFlow. Its arguments are in its call.
        case operation(KerasOperation)
    }

    /// The tensors at the ends of a functional model.
    struct Ends {
        let input: KerasTensor
        let output: KerasTensor
    }

    /// The name that Keras gives to an unnamed model.
    private static let standardName = "sequential"

    let name: String
    let members: [Member]
    /// The ends of a functional model; nil for a Sequential model, whose members are a chain.
    let ends: Ends?
    /// The shape that the InputLayer or the first layer states, or that the model was built with.
    let inputShape: KerasShape?

    private enum Key: String, CodingKey {
        case name, layers, config
        case buildInputShape = "build_input_shape"
        case inputs = "input_layers"
        case outputs = "output_layers"
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let className = try KerasClass(from: decoder).name
        guard let config = try? object.nestedContainer(keyedBy: Key.self, forKey: .config) else {
            // Before Keras 2.2.3, a Sequential model was the list of its layers and had no name.
            name = Self.standardName
            members = try object.decode([Member].self, forKey: .config)
            ends = nil
            inputShape = try object.decode([FirstLayerShape].self, forKey: .config).first?.shape
            return
        }
        switch className {
        case "Sequential": ends = nil
        case "Functional", "Model":
            ends = try Self.ends(
                inputs: config.decode(KerasEnds.self, forKey: .inputs).tensors,
                outputs: config.decode(KerasEnds.self, forKey: .outputs).tensors)
        default:
            throw Defect(
                .unsupported,
                "models of the class '\(className)' are not supported; supported: Sequential and Functional")
        }
        name = try config.decodeIfPresent(String.self, forKey: .name) ?? Self.standardName
        let members = try config.decode([Member].self, forKey: .layers)
        self.members = members
        let first = ends.flatMap { ends in members.firstIndex { $0.name == ends.input.layer } } ?? 0
        let shapes = try config.decode([FirstLayerShape].self, forKey: .layers)
        inputShape =
            try (first < shapes.count ? shapes[first].shape : nil)
            ?? config.decodeIfPresent(KerasShape.self, forKey: .buildInputShape)
    }

    private static func ends(inputs: [KerasTensor], outputs: [KerasTensor]) throws(Defect) -> Ends {
        guard let input = inputs.first, let output = outputs.first, inputs.count == 1, outputs.count == 1 else {
            throw Defect(
                .unsupported,
                "a functional model with \(inputs.count) \(inputs.count == 1 ? "input" : "inputs") and \(outputs.count) "
                    + "\(outputs.count == 1 ? "output" : "outputs") is not supported; supported: one input, which may "
                    + "hold the features of several, and one output")
        }
        return Ends(input: input, output: output)
    }
}

/// The model's inputs or outputs: one end `["name", 0, 0]`, a list of ends, or an object of ends.
private struct KerasEnds: Decodable {
    let tensors: [KerasTensor]

    init(from decoder: any Decoder) throws {
        if let end = try? End(from: decoder) {
            tensors = [end.tensor]
        } else if let object = try? decoder.singleValueContainer().decode([String: End].self) {
            tensors = object.values.map(\.tensor)
        } else {
            tensors = try decoder.singleValueContainer().decode([End].self).map(\.tensor)
        }
    }

    private struct End: Decodable {
        let tensor: KerasTensor

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            let layer = try list.decode(String.self)
            let call = list.isAtEnd ? 0 : try list.decode(Int.self)
            tensor = KerasTensor(layer: layer, call: call, output: list.isAtEnd ? 0 : try list.decode(Int.self))
        }
    }
}

/// The input shape that a layer states. The first layer is an InputLayer; in Keras 2 files, it may be any layer. A
/// nested model states the shape of its own first layer.
private struct FirstLayerShape: Decodable {
    let shape: KerasShape?

    private enum Key: String, CodingKey {
        case config, layers
        case batchShape = "batch_shape"
        case batchInputShape = "batch_input_shape"
    }

    init(from decoder: any Decoder) throws {
        let config = try decoder.container(keyedBy: Key.self).nestedContainer(keyedBy: Key.self, forKey: .config)
        shape =
            try config.decodeIfPresent(KerasShape.self, forKey: .batchShape)
            ?? config.decodeIfPresent(KerasShape.self, forKey: .batchInputShape)
            ?? config.decodeIfPresent([FirstLayerShape].self, forKey: .layers)?.first?.shape
    }
}

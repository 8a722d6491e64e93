import FoundationEssentials
import Wire

/// The text of `config.json` in a `.keras` archive.
package enum KerasConfiguration {
    /// The version of Keras whose options Sluice writes.
    static let version = "3.15.1"

    /// Returns a configuration with new compile options. All other bytes stay the same.
    package static func compiled(_ configuration: [UInt8], with compilation: KerasCompilation?) -> [UInt8] {
        JSONMember.setting(KerasCompilation.member, to: compilation?.json ?? Array("null".utf8), in: configuration)
    }

    /// Converts a model from the exchange form to the notation of Keras 3.
    ///
    /// The conversion adds what the exchange form omits: the information that Keras needs to find its classes and, if
    /// it is missing, the input's shape.
    ///
    /// - Parameters:
    ///   - form: The model.
    ///   - inputShape: The shape of the model's input, with the number of features that the weights need.
    ///   - takesTokens: Whether each timestep of the input is a token.
    /// - Returns: The configuration, without the compile options.
    /// - Throws: ``Defect`` with the code `unsupported` if the model's options are those of another version of Keras.
    static func archive(of form: ExchangeForm, inputShape: KerasShape, takesTokens: Bool) throws(Defect) -> [UInt8] {
        let version = form.kerasVersion.map { KerasVersion($0) }
        guard version == nil || version?.isBefore3 == false else {
            throw Defect(
                .unsupported,
                "a model of Keras \(form.kerasVersion ?? "") cannot be written as .keras, which needs the options of "
                    + "Keras 3; give an output that ends in .safetensors")
        }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(form.architecture)),
            var model = value.members, var config = model["config"]?.members,
            case .array(var layers)? = config["layers"]
        else { throw Defect(.corrupt, "architecture: a model without a list of layers") }
        layers = layers.map(layer)
        let isFunctional = model["class_name"] != .string("Sequential")
        if !isFunctional, layers.first?.members?["class_name"] != .string("InputLayer") {
            layers.insert(inputLayer(inputShape, takesTokens: takesTokens), at: 0)
        }
        config["layers"] = .array(layers)
        // Handwritten files may lack a name.
        config["name"] = config["name"] ?? .string("sequential")
        config["dtype"] = .string("float32")
        model["config"] = .object(config)
        model["module"] = .string(isFunctional ? "keras.src.models.functional" : "keras")
        if isFunctional { model["class_name"] = .string("Functional") }
        model["registered_name"] = isFunctional ? .string("Functional") : .null
        return encoded(.object(model))
    }

    /// Returns a value as JSON. Equal values produce equal JSON.
    static func encoded(_ value: JSONValue) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(value) else {
            preconditionFailure("a value that was read from JSON has a JSON text")
        }
        return Array(text)
    }

    /// Returns an input layer in the notation of Keras 3.
    static func inputLayer(_ shape: KerasShape, takesTokens: Bool) -> JSONValue {
        let axes = shape.axes.map { axis in axis.map { JSONValue.integer(Int64($0)) } ?? .null }
        return .object([
            "module": .string("keras.layers"), "class_name": .string("InputLayer"), "registered_name": .null,
            "config": .object([
                "batch_shape": .array(axes), "dtype": .string(takesTokens ? "int32" : "float32"),
                "sparse": .bool(false), "ragged": .bool(false), "name": .string("input_layer"),
                "optional": .bool(false),
            ]),
        ])
    }

    /// Adds the module to a layer and to the layers inside it, and reduces their number types to names.
    private static func layer(_ value: JSONValue) -> JSONValue {
        guard var members = value.members, var config = members["config"]?.members else { return value }
        members["module"] = .string("keras.layers")
        members["registered_name"] = .null
        for key in ["layer", "backward_layer"] where config[key]?.members != nil {
            config[key] = config[key].map(layer)
        }
        if let policy = config["dtype"]?.members {
            config["dtype"] = policy["config"]?.members?["name"] ?? .string("float32")
        }
        members["config"] = .object(config)
        return .object(members)
    }
}

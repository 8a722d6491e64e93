import FoundationEssentials
import Wire

/// The part of a layer's configuration that acts only in training.
struct LayerTraining: Equatable {
    /// Layers that act only in training, and not as Sluice trains.
    private static let untrainedClasses: Set = [
        "ActivityRegularization", "AlphaDropout", "BatchNormalization", "GaussianDropout", "GaussianNoise",
        "SpatialDropout1D",
    ]
    /// Options that change the training if they have a value.
    private static let endings = ["dropout", "_regularizer", "_constraint"]

    /// The part of the values that a Dropout drops; nil for other layers.
    let dropoutRate: Double?
    /// The class or the option that Sluice does not train; nil for none.
    let obstacle: String?

    /// Reads the options of all layers of an architecture, by the names of the layers.
    ///
    /// - Parameter architecture: JSON as in a Keras file.
    /// - Returns: The options of each layer.
    static func all(in architecture: [UInt8]) -> [String: LayerTraining] {
        guard let model = try? JSONDecoder().decode(JSONValue.self, from: Data(architecture)),
            case .array(let layers)? = model.members?["config"]?.members?["layers"]
        else { return [:] }
        var all: [String: LayerTraining] = [:]
        for layer in layers.compactMap(\.members) {
            guard let config = layer["config"]?.members, let name = config["name"]?.text ?? layer["name"]?.text
            else { continue }
            all[name] = LayerTraining(className: layer["class_name"]?.text ?? "", config)
        }
        return all
    }

    private init(className: String, _ config: [String: JSONValue]) {
        dropoutRate = className == "Dropout" ? config["rate"]?.double : nil
        obstacle = Self.untrainedClasses.contains(className) ? className : Self.option(in: config)
    }

    /// Returns the first option that Sluice does not train, also of a layer in a layer.
    private static func option(in config: [String: JSONValue]) -> String? {
        for (name, value) in config.sorted(by: { $0.key < $1.key }) {
            if endings.contains(where: name.hasSuffix), value.isSet { return name }
            if let members = value.members, let option = option(in: members) { return option }
        }
        return nil
    }
}

extension JSONValue {
    /// Whether an option has another value than false, 0 or null.
    package var isSet: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .unsigned(0): false
        case .number(let value): value != 0
        default: true
        }
    }
}

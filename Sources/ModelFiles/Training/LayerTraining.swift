import FoundationEssentials
import Wire

/// The part of a layer's configuration that only affects training.
struct LayerTraining: Equatable {
    /// Layers that behave differently in training, in ways that Sluice does not support.
    private static let untrainedClasses: Set = [
        "ActivityRegularization", "AlphaDropout", "BatchNormalization", "GaussianDropout", "GaussianNoise",
        "SpatialDropout1D",
    ]
    /// The suffixes of options that affect training if they are set.
    private static let endings = ["dropout", "_regularizer", "_constraint"]

    /// The fraction of values that a Dropout drops; nil for other layers.
    let dropoutRate: Double?
    /// The class or option that Sluice cannot train; nil if there is none.
    let obstacle: String?

    /// Reads the training options of all layers in an architecture.
    ///
    /// - Parameter architecture: JSON as in a Keras file.
    /// - Returns: The options of each layer, by the layer's name.
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
        // A TimeDistributed layer is trained like the layer that it wraps.
        if className == "TimeDistributed", let layer = config["layer"]?.members, let inner = layer["config"]?.members {
            self = LayerTraining(className: layer["class_name"]?.text ?? "", inner)
            return
        }
        dropoutRate = className == "Dropout" ? config["rate"]?.double : nil
        obstacle = Self.untrainedClasses.contains(className) ? className : Self.option(in: config)
    }

    /// Returns the first option that Sluice cannot train, including the options of inner layers.
    private static func option(in config: [String: JSONValue]) -> String? {
        for (name, value) in config.sorted(by: { $0.key < $1.key }) {
            if endings.contains(where: name.hasSuffix), value.isSet { return name }
            if let members = value.members, let option = option(in: members) { return option }
        }
        return nil
    }
}

extension JSONValue {
    /// Whether an option has a value other than false, 0 or null.
    package var isSet: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .unsigned(0): false
        case .number(let value): value != 0
        default: true
        }
    }
}

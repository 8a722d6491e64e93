import FoundationEssentials
import Wire

/// The loss that a Keras model was compiled with.
package struct CompiledLoss: Codable, Equatable, Sendable {
    /// Keras' name for the function, such as `binary_crossentropy`.
    package let name: String
    /// Whether the loss takes the model's outputs as logits rather than probabilities.
    package let fromLogits: Bool
    /// The fraction of each label that is spread over all classes.
    package let labelSmoothing: Double

    private enum CodingKeys: String, CodingKey {
        case name
        case fromLogits = "from_logits"
        case labelSmoothing = "label_smoothing"
    }

    /// Keras' short names for losses, with the full names.
    private static let otherNames = [
        "bce": "binary_crossentropy", "mse": "mean_squared_error", "mae": "mean_absolute_error",
    ]

    /// Creates a loss. Each parameter sets the property of the same name.
    package init(name: String, fromLogits: Bool = false, labelSmoothing: Double = 0) {
        self.name = name
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
    }

    /// Reads a loss in Keras' notation: a name, an object with a class name, or a list or object that contains one of
    /// these for the model's only output.
    init?(keras value: JSONValue) {
        switch value {
        case .string(let name):
            self.init(name: Self.functionName(name))
        case .array(let losses) where losses.count == 1:
            self.init(keras: losses[0])
        case .object(let members):
            guard case .string(let className)? = members["class_name"] else {
                guard members.count == 1, let only = members.first?.value else { return nil }
                self.init(keras: only)
                return
            }
            if className == "function", let function = members["config"] {
                self.init(keras: function)
                return
            }
            let options = members["config"]
            self.init(
                name: Self.functionName(className), fromLogits: options?.members?["from_logits"] == .bool(true),
                labelSmoothing: options?.members?["label_smoothing"]?.double ?? 0)
        default: return nil
        }
    }

    /// Returns the function name for a loss that is given by name or by class: `binary_crossentropy` for
    /// `BinaryCrossentropy` and `bce`.
    private static func functionName(_ name: String) -> String {
        var words = ""
        for (index, letter) in name.enumerated() {
            let isStart = letter.isUppercase && index > 0 && !name.allSatisfy(\.isUppercase)
            words += (isStart ? "_" : "") + letter.lowercased()
        }
        return otherNames[words] ?? words
    }

    /// Decodes JSON that ``json`` produced; nil if the JSON does not describe a loss.
    init?(json: [UInt8]) {
        guard let loss = try? JSONDecoder().decode(CompiledLoss.self, from: Data(json)) else { return nil }
        self = loss
    }

    /// The loss as JSON. Equal losses produce equal JSON.
    var json: String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension JSONValue {
    /// The value as a number; nil if it is not a number.
    var double: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
}

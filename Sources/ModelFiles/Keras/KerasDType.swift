import FoundationEssentials

/// The number type of a layer: a name in Keras 2, an object with a name in Keras 3.
struct KerasDType: Decodable {
    /// The integer types. If an input has an integer type, Keras truncates the values to whole numbers.
    private static let wholeNumbers: Set<String> = ["int32", "int64", "int16", "int8", "uint8", "uint16", "uint32"]

    let name: String

    private enum Key: String, CodingKey {
        case config, name
        case className = "class_name"
    }

    init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            self.name = name
        } else {
            let policy = try decoder.container(keyedBy: Key.self)
            let config = try policy.nestedContainer(keyedBy: Key.self, forKey: .config)
            // The policy of a quantized layer has no name, so use its class name instead.
            name =
                try config.decodeIfPresent(String.self, forKey: .name)
                ?? policy.decode(String.self, forKey: .className)
        }
    }

    /// Refuses a layer whose weights cannot be used in float32 arithmetic.
    func requireLayer() throws(Defect) {
        guard name == "float32" || layerCaution != nil else {
            throw Defect(
                .unsupported,
                "dtype '\(name)' is not supported; supported: float32, float64, mixed_float16, mixed_bfloat16")
        }
    }

    /// The difference between Keras' answers and the engine's, as the end of a sentence about the model; nil if there
    /// is none.
    var layerCaution: String? {
        switch name {
        case "mixed_float16":
            "was saved with mixed_float16 and is served in float32, so that Keras' own answers differ by about 1e-3"
        case "mixed_bfloat16":
            "was saved with mixed_bfloat16 and is served in float32, so that Keras' own answers differ by about 1e-2"
        case "float64":
            "was saved with float64 and is served in float32, so that Keras' own answers differ by about 1e-6"
        default: nil
        }
    }

    /// Refuses a numeric input that Keras would round to fewer digits than float32 has.
    func requireValues() throws(Defect) {
        guard ["float32", "float64"].contains(name) || Self.wholeNumbers.contains(name) else {
            throw Defect(
                .unsupported,
                "dtype '\(name)' is not supported, because Keras rounds the values to it; supported: float32, float64, "
                    + Self.wholeNumbers.sorted().joined(separator: ", "))
        }
    }

    /// The condition under which the answers to a numeric input equal Keras', as the end of a sentence about the model;
    /// nil if there is none.
    var valueCaution: String? {
        guard Self.wholeNumbers.contains(name) else { return nil }
        return "has an input of \(name), so that Keras truncates its values to whole numbers; send whole numbers only"
    }

    /// Refuses an input of tokens whose type cannot hold every token.
    func requireTokens() throws(Defect) {
        guard ["float32", "float64"].contains(name) || Self.wholeNumbers.contains(name) else {
            throw Defect(
                .unsupported,
                "dtype '\(name)' is not supported; supported: float32, float64, "
                    + Self.wholeNumbers.sorted().joined(separator: ", "))
        }
    }
}

import FoundationEssentials

/// The class of a model or a layer in Keras' JSON.
///
/// Keras 3 marks classes that are not its own with a registered name
/// (<https://keras.io/api/models/model_saving_apis/serialization_utils/>). A custom subclass that is also called LSTM
/// is therefore not mistaken for Keras' LSTM.
struct KerasClass: Decodable {
    private static let packagesOfKeras: Set<Substring> = ["keras", "tf_keras", "tensorflow"]

    /// The name in Keras, such as `LSTM`. A custom class gets a name that Keras does not use.
    let name: String

    private enum Key: String, CodingKey {
        case module
        case className = "class_name"
        case registeredName = "registered_name"
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let className = try object.decode(String.self, forKey: .className)
        let module = try? object.decode(String.self, forKey: .module)
        let package = module?.split(separator: ".").first
        guard let registered = try? object.decode(String.self, forKey: .registeredName),
            !(package.map(Self.packagesOfKeras.contains) ?? false)
        else {
            name = className
            return
        }
        name = registered.contains(">") ? registered : "\(module ?? "custom")>\(registered)"
    }
}

extension String {
    /// The form that a class name takes in Keras' names and paths: `LSTM` → `lstm`, `TimeDistributed` →
    /// `time_distributed`.
    package var kerasSnakeCase: String {
        var result = ""
        var previous: Character?
        for (character, next) in zip(self, dropFirst().map(Optional.some) + [nil]) {
            let startsWord =
                character.isUppercase
                && (previous?.isLowercase == true || (previous?.isUppercase == true && next?.isLowercase == true))
            result += (startsWord ? "_" : "") + character.lowercased()
            previous = character
        }
        return result
    }
}

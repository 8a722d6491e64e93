import FoundationEssentials

/// The class of a model or a layer in Keras' JSON.
///
/// Keras 3 tells its own classes from those of others: these are registered under a name
/// (<https://keras.io/api/models/model_saving_apis/serialization_utils/>). So an LSTM that somebody derived from Keras'
/// and called LSTM too is not taken for Keras'.
struct KerasClass: Decodable {
    private static let packagesOfKeras: Set<Substring> = ["keras", "tf_keras", "tensorflow"]

    /// Keras' name of it, such as `LSTM`; a name that Keras does not have for a class of others.
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

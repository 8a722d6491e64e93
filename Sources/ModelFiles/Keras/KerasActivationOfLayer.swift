import FoundationEssentials
import Recurrent

/// An activation layer that is given as the activation of another layer, such as `Dense(8, activation=LeakyReLU())`.
struct KerasActivationOfLayer {
    /// The supported classes, for error messages.
    static let names = "ReLU, LeakyReLU, ELU, Softmax, Activation"

    let function: Activation

    private enum Key: String, CodingKey {
        case config
        case className = "class_name"
    }

    /// Reads the activation layer; nil if the option is not an activation layer.
    ///
    /// - Parameters:
    ///   - decoder: The option.
    ///   - option: The option's name, for messages.
    /// - Throws: ``Defect`` if the layer's own options are not supported here.
    init?(from decoder: any Decoder, option: String) throws {
        guard let object = try? decoder.container(keyedBy: Key.self),
            let name = try? KerasClass(from: decoder).name
        else { return nil }
        switch name {
        case KerasLeakyReLU.className: function = try object.decode(KerasLeakyReLU.self, forKey: .config).function
        case KerasReLU.className:
            guard let known = try object.decode(KerasReLU.self, forKey: .config).function else {
                throw Self.refusal(option, name, supported: "threshold=0, and max_value=None or 6 without a slope")
            }
            function = known
        case KerasELU.className:
            guard let known = try object.decode(KerasELU.self, forKey: .config).function else {
                throw Self.refusal(option, name, supported: "alpha=1")
            }
            function = known
        case KerasSoftmax.className: function = try object.decode(KerasSoftmax.self, forKey: .config).function(option)
        case KerasActivationLayer.className:
            function = try object.decode(KerasActivationLayer.self, forKey: .config).activation
        case KerasPReLU.className:
            throw Defect(
                .unsupported,
                "\(option)=PReLU is not supported, because its slopes are weights; supported: a PReLU layer of its own")
        default: return nil
        }
    }

    private static func refusal(_ option: String, _ layer: String, supported: String) -> Defect {
        Defect(
            .unsupported,
            "\(option)=\(layer) with these options is not supported; supported: \(supported), or a layer of its own")
    }
}

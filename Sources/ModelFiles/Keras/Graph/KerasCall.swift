import FoundationEssentials
import Wire

/// The output of a call of a layer in a functional model.
struct KerasTensor: Hashable {
    /// The layer's name.
    let layer: String
    /// The number of the call among the calls of the layer.
    let call: Int
    /// The number of the output: 0, or more for the states of a recurrent layer.
    let output: Int

    init(layer: String, call: Int, output: Int) {
        self.layer = layer
        self.call = call
        self.output = output
    }

    /// Reads a tensor of Keras 3: an object whose `keras_history` is `[name, call, output]`. Nil for any other value.
    init?(keras3 value: JSONValue) {
        guard let config = value.members?["config"]?.members, let history = config["keras_history"] else { return nil }
        self.init(history)
    }

    /// Reads `[name, call, output]`, with or without further elements. Nil for any other value.
    init?(_ value: JSONValue) {
        guard case .array(let parts) = value, parts.count >= 3, case .string(let layer) = parts[0],
            case .integer(let call) = parts[1], case .integer(let output) = parts[2]
        else { return nil }
        self.init(layer: layer, call: Int(truncatingIfNeeded: call), output: Int(truncatingIfNeeded: output))
    }
}

/// A call of a layer, or of an operation such as a slice, in a functional model.
///
/// Keras 3 writes an object with `args` and `kwargs`. Keras 2 writes a list of tensors, each of which is a list
/// `[name, call, output, kwargs]`; for an operation of TensorFlow, the call is a single tensor.
struct KerasCall: Decodable {
    /// The mask that is passed explicitly.
    enum Mask {
        case none
        case tensor(KerasTensor)
        /// A mask that is not a single tensor, or any mask in a Keras 2 file, which contains no automatic masks.
        case other
    }

    /// The tensors that the call takes.
    let inputs: [KerasTensor]
    let mask: Mask
    /// The other positional arguments, such as a slice or a number.
    let others: [JSONValue]
    /// The other named arguments that have an effect. None and False have no effect.
    let named: [String: JSONValue]

    /// A call with its inputs alone, as in a Sequential model.
    init() {
        self.init(inputs: [], mask: .none, others: [], named: [:])
    }

    private init(inputs: [KerasTensor], mask: Mask, others: [JSONValue], named: [String: JSONValue]) {
        self.inputs = inputs
        self.mask = mask
        self.others = others
        self.named = named
    }

    private enum Key: String, CodingKey {
        case arguments = "args"
        case named = "kwargs"
    }

    init(from decoder: any Decoder) throws {
        guard let object = try? decoder.container(keyedBy: Key.self) else {
            try self.init(keras2: decoder.singleValueContainer().decode(JSONValue.self))
            return
        }
        var (inputs, others): ([KerasTensor], [JSONValue]) = ([], [])
        for argument in try object.decode([JSONValue].self, forKey: .arguments) where argument != .null {
            if let tensor = KerasTensor(keras3: argument) {
                inputs.append(tensor)
            } else if case .array(let elements) = argument, !elements.isEmpty,
                case let tensors = elements.compactMap(KerasTensor.init(keras3:)), tensors.count == elements.count
            {
                inputs += tensors
            } else {
                others.append(argument)
            }
        }
        var named = try object.decode([String: JSONValue].self, forKey: .named)
        let mask: Mask =
            switch named.removeValue(forKey: "mask") {
            case nil, .null: .none
            case let value?: KerasTensor(keras3: value).map(Mask.tensor) ?? .other
            }
        self.init(
            inputs: inputs, mask: mask, others: others,
            named: named.filter { $0.value != .null && $0.value != .bool(false) })
    }

    private init(keras2 value: JSONValue) throws {
        var list = [value]
        if KerasTensor(value) == nil, case .array(let elements) = value { list = elements }
        var inputs: [KerasTensor] = []
        var named: [String: JSONValue] = [:]
        var hasMask = false
        for element in list {
            guard let tensor = KerasTensor(element), case .array(let parts) = element else {
                throw Defect(.corrupt, "a call in inbound_nodes is neither of Keras 2 nor of Keras 3")
            }
            inputs.append(tensor)
            guard parts.count > 3, let options = parts[3].members else { continue }
            for (name, value) in options where value != .null && value != .bool(false) {
                if name == "mask" { hasMask = true } else { named[name] = value }
            }
        }
        self.init(inputs: inputs, mask: hasMask ? .other : .none, others: [], named: named)
    }

    /// The argument that a layer with a plain call must not have, for an error message; nil if there is none.
    ///
    /// - Parameter known: The names of arguments that the layer supports.
    /// - Returns: The alphabetically first argument, followed by `=True` if that is its value.
    func unsupportedArgument(besides known: Set<String> = []) -> String? {
        if !others.isEmpty { return "more than tensors and numbers" }
        return named.filter { !known.contains($0.key) }.map { $0 + ($1 == .bool(true) ? "=True" : "") }.min()
    }
}

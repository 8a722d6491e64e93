import Wire
import Yams

/// A YAML file that describes a new model: a list of layers with Keras' own names and options.
///
/// ```yaml
/// - Input: {shape: [null, 3]}
/// - Bidirectional: {layer: {LSTM: {units: 8}}}
/// - Dropout: {rate: 0.2}
/// - Dense: {units: 1, activation: sigmoid}
/// ```
package enum LayersFile {
    /// The maximum size of a file, in bytes.
    private static let maximumSize = 1 << 16
    private static let inputClass = "Input"

    /// Reads a file.
    ///
    /// - Parameter path: The path of the file.
    /// - Returns: The model's description.
    /// - Throws: ``ModelFileError`` that states the line at fault.
    package static func read(_ path: String) throws(ModelFileError) -> InitialModel {
        try ModelFile.named(path) { () throws(Defect) in
            let file = try FileBytes(path)
            guard file.size <= maximumSize else { throw Defect(.unreadable, "has more than \(maximumSize) bytes") }
            return try model(String(decoding: file.all(), as: UTF8.self))
        }
    }

    private static func model(_ text: String) throws(Defect) -> InitialModel {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Defect(.corrupt, "\(error)")
        }
        guard let root, let list = root.sequence, let first = list.first else {
            throw Defect(
                .corrupt, "is not a list of layers, such as '- Input: {shape: [null, 1]}' and '- LSTM: {units: 10}'")
        }
        let shape = try inputShape(first)
        var layers: [InitialLayer] = []
        for node in list.dropFirst() { layers.append(try layer(node)) }
        guard !layers.isEmpty else { throw Defect(.corrupt, "has no layer after the Input") }
        return InitialModel(inputShape: shape, layers: layers)
    }

    /// Reads the shape of the input. The option `shape` omits the batch axis; `batch_shape` includes it.
    private static func inputShape(_ node: Node) throws(Defect) -> [Int?] {
        let (name, options) = try nameAndOptions(node)
        guard name == inputClass, options.count == 1, let (key, value) = options.first,
            ["shape", "batch_shape"].contains(key), let axes = value.sequence
        else {
            throw defect(
                node,
                "the first entry must be the Input with its shape, such as '- Input: {shape: [null, 3]}' for any number "
                    + "of timesteps of 3 features, or 'batch_shape: [1, 1, 3]' for a stateful model")
        }
        var lengths: [Int?] = []
        for axis in axes {
            let length = axis.int
            guard axis.tag == Tag(.null) || length.map({ (1...1 << 30).contains($0) }) == true else {
                throw defect(axis, "the lengths in a shape must be null or at least 1")
            }
            lengths.append(length)
        }
        return key == "shape" ? [nil] + lengths : lengths
    }

    private static func layer(_ node: Node) throws(Defect) -> InitialLayer {
        let (name, given) = try nameAndOptions(node)
        guard let defaults = KerasDefaults.of[name] else {
            throw defect(
                node,
                "the layer '\(name)' is not supported; supported: "
                    + KerasDefaults.of.keys.sorted().joined(separator: ", "))
        }
        var layer = InitialLayer(className: name, line: line(of: node))
        for (key, value) in given {
            guard let standard = key == "name" ? .string("") : defaults.required[key] ?? defaults.optional[key] else {
                let known = defaults.required.keys.sorted() + defaults.optional.keys.sorted() + ["name"]
                throw defect(
                    value, "\(name) has no option '\(key)' here; supported: \(known.joined(separator: ", "))")
            }
            if key == "layer" {
                layer.inner = [try self.layer(value)]
            } else {
                layer.options[key] = try option(value, of: name, key: key, standard: standard)
            }
        }
        for key in defaults.required.keys.sorted() where !given.contains(where: { $0.key == key }) {
            throw defect(node, "\(name) needs the option '\(key)'")
        }
        return layer
    }

    /// Returns the value of an option. The value must be of the same kind as `standard`.
    private static func option(
        _ node: Node, of layer: String, key: String, standard: JSONValue
    ) throws(Defect) -> JSONValue {
        guard let value = json(node), value.isLike(standard) else {
            throw defect(node, "'\(key)' of \(layer) has a value of the wrong kind")
        }
        return value
    }

    private static func json(_ node: Node) -> JSONValue? {
        switch node.tag {
        case Tag(.null): .null
        case Tag(.bool): node.bool.map(JSONValue.bool)
        case Tag(.int): node.int.map { .integer(Int64($0)) }
        case Tag(.float): node.float.flatMap { $0.isFinite ? .number($0) : nil }
        default: node.string.map(JSONValue.string)
        }
    }

    /// Returns the layer's name, which is the only key of the entry, and the layer's options.
    private static func nameAndOptions(_ node: Node) throws(Defect) -> (String, [(key: String, value: Node)]) {
        if let name = node.string, node.scalar != nil { return (name, []) }
        guard let mapping = node.mapping, mapping.count == 1, let (key, value) = mapping.first, let name = key.string
        else { throw defect(node, "an entry must be one layer, such as '- LSTM: {units: 10}'") }
        if value.tag == Tag(.null) { return (name, []) }
        guard let options = value.mapping else {
            throw defect(value, "the options of \(name) must be a list of names and values, such as {units: 10}")
        }
        var named: [(key: String, value: Node)] = []
        for (key, value) in options {
            guard let key = key.string else { throw defect(value, "an option of \(name) has no name") }
            named.append((key, value))
        }
        return (name, named)
    }

    private static func line(of node: Node) -> Int? { node.mark?.line }

    private static func defect(_ node: Node, _ context: String) -> Defect {
        Defect(.unsupported, (line(of: node).map { "line \($0): " } ?? "") + context)
    }
}

extension JSONValue {
    /// Returns whether the value is of the same kind as an option's default. Null stands for an unset number or string.
    fileprivate func isLike(_ standard: JSONValue) -> Bool {
        switch (self, standard) {
        case (.bool, .bool), (.string, .string), (.null, .null), (.null, .string): true
        case (.integer, .integer), (.integer, .number), (.number, .number): true
        case (.integer, .null), (.number, .null), (.string, .null): true
        default: false
        }
    }
}

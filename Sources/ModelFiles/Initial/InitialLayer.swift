import Wire

/// A layer of a new model: its class in Keras and the options that differ from Keras' defaults.
struct InitialLayer {
    let className: String
    var options: [String: JSONValue] = [:]
    /// The inner layer of a Bidirectional or TimeDistributed; empty for any other layer.
    var inner: [InitialLayer] = []
    /// The line in the file that describes the layer; nil if the layer comes from a pattern.
    var line: Int?

    /// Describes the layer as Keras 3 does.
    ///
    /// - Parameter names: The generator of names for unnamed layers.
    /// - Returns: The layer's JSON.
    func json(_ names: inout KerasNames) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if let inner = inner.first {
            members = className == "Bidirectional" ? inner.bothDirections(&names) : ["layer": inner.json(&names)]
        }
        return json(options: members, name: name(&names))
    }

    private func name(_ names: inout KerasNames) -> String {
        options["name"]?.text ?? names.next(className)
    }

    /// Returns the two layers of a Bidirectional that wraps this layer. Keras names both after this layer.
    private func bothDirections(_ names: inout KerasNames) -> [String: JSONValue] {
        let name = name(&names)
        return [
            "layer": json(options: [:], name: "forward_\(name)"),
            "backward_layer": json(options: ["go_backwards": .bool(true)], name: "backward_\(name)"),
        ]
    }

    private func json(options given: [String: JSONValue], name: String) -> JSONValue {
        var config = (KerasDefaults.of[className]?.config ?? [:]).merging(options) { $1 }.merging(given) { $1 }
        config["name"] = .string(name)
        return .object([
            "module": .string("keras.layers"), "class_name": .string(className), "config": .object(config),
            "registered_name": .null,
        ])
    }
}

/// The names that Keras gives to unnamed layers: `lstm`, `lstm_1` and so on.
package struct KerasNames {
    private var counts: [String: Int] = [:]

    package init() {}

    /// Returns the next name for a class.
    package mutating func next(_ className: String) -> String {
        let count = counts[className, default: 0]
        counts[className] = count + 1
        return className.kerasSnakeCase + (count == 0 ? "" : "_\(count)")
    }
}

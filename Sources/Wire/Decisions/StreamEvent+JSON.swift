extension StreamEvent {
    /// The event as one JSON object, with the members that `Codable` reads. `JSONEncoder` would take 20 times as long,
    /// and thousands of streams may hibernate between two timesteps.
    public var json: [UInt8] {
        var writer = ObjectWriter()
        writer.append("event", event.rawValue)
        writer.append("stream", stream)
        writer.append("prefix", prefix)
        writer.append("all", number: all)
        writer.append("count", number: count)
        writer.append("time", number: time)
        writer.append("snapshot", snapshot)
        writer.append("sequence", number: sequence)
        writer.append("to", to)
        writer.append("model", model)
        writer.append("fingerprint", fingerprint)
        writer.append("carried", number: carried)
        return writer.end()
    }
}

/// Writes the members of one JSON object. A nil member is left out.
private struct ObjectWriter {
    private var bytes: [UInt8] = []

    mutating func append(_ name: String, _ text: String?) {
        guard let text else { return }
        begin(name)
        bytes.appendJSON(text)
    }

    /// Appends a number or a Boolean. Its description is already valid JSON.
    mutating func append(_ name: String, number: (some CustomStringConvertible)?) {
        guard let number else { return }
        begin(name)
        bytes.append(contentsOf: number.description.utf8)
    }

    mutating func end() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private mutating func begin(_ name: String) {
        bytes.append(bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: "\":".utf8)
    }
}

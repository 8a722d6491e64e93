/// The reason why bytes cannot be read as a ``JSONValue``.
public enum JSONProblem: Error, Equatable, Sendable {
    /// The text is not JSON in UTF-8.
    case notJSON
    /// Arrays and objects are nested deeper than the limit.
    case tooDeep
    /// The text has more values than the limit.
    case tooManyValues
}

extension JSONValue {
    /// Reads JSON text in one pass. If the types of the values are unknown, `JSONDecoder` takes 20 times as long,
    /// because it throws an error for each type that does not match.
    ///
    /// If several members have the same name, the last one counts. A whole number stays whole, even if written as
    /// `1.0`.
    ///
    /// - Parameters:
    ///   - text: The text in UTF-8.
    ///   - depth: The maximum nesting of arrays and objects.
    ///   - values: The maximum number of values, counting each array and object.
    /// - Returns: The value.
    /// - Throws: ``JSONProblem``.
    public static func read(_ text: Span<UInt8>, depth: Int, values: Int) throws(JSONProblem) -> JSONValue {
        guard (try? UTF8Span(validating: text)) != nil else { throw .notJSON }
        var reader = JSONReader(text, values: values)
        let value = try reader.value(depth: depth)
        try reader.end()
        return value
    }
}

/// Builds a value from JSON tokens, within limits.
private struct JSONReader: ~Escapable {
    private var scanner: JSONScanner
    /// The number of values that are still allowed.
    private var remaining: Int
    /// The content of the string being read. The buffer is reused for the next string.
    private var content: [UInt8] = []

    @_lifetime(copy text)
    init(_ text: Span<UInt8>, values: Int) {
        scanner = JSONScanner(text)
        remaining = values
    }

    mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
        remaining -= 1
        guard remaining >= 0 else { throw .tooManyValues }
        switch scanner.peek() {
        case UInt8(ascii: "{"): return .object(try object(depth: depth - 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth - 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            do { return .bool(try scanner.bool()) } catch { throw .notJSON }
        case UInt8(ascii: "n"):
            do { try scanner.null() } catch { throw .notJSON }
            return .null
        default: return try number()
        }
    }

    /// Checks that only whitespace is left.
    mutating func end() throws(JSONProblem) {
        guard scanner.peek() == nil else { throw .notJSON }
    }

    private mutating func object(depth: Int) throws(JSONProblem) -> [String: JSONValue] {
        guard depth >= 0 else { throw .tooDeep }
        var members: [String: JSONValue] = [:]
        try expect("{")
        if scanner.take("}") { return members }
        repeat {
            let name = try string()
            try expect(":")
            members[name] = try value(depth: depth)
        } while scanner.take(",")
        try expect("}")
        return members
    }

    private mutating func array(depth: Int) throws(JSONProblem) -> [JSONValue] {
        guard depth >= 0 else { throw .tooDeep }
        var elements: [JSONValue] = []
        try expect("[")
        if scanner.take("]") { return elements }
        repeat {
            elements.append(try value(depth: depth))
        } while scanner.take(",")
        try expect("]")
        return elements
    }

    private mutating func string() throws(JSONProblem) -> String {
        do { try scanner.string(into: &content) } catch { throw .notJSON }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func number() throws(JSONProblem) -> JSONValue {
        let number: (text: String, isWhole: Bool)
        do { number = try scanner.number() } catch { throw .notJSON }
        if number.isWhole {
            if let value = Int64(number.text) { return .integer(value) }
            if let value = UInt64(number.text) { return .unsigned(value) }
        }
        guard let value = Double(number.text), value.isFinite else { throw .notJSON }
        return Int64(exactly: value).map(JSONValue.integer) ?? .number(value)
    }

    private mutating func expect(_ mark: Unicode.Scalar) throws(JSONProblem) {
        guard scanner.take(mark) else { throw .notJSON }
    }
}

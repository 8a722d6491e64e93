/// Any JSON value, such as the content of a control message before it is interpreted.
public enum JSONValue: Equatable, Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number without a fraction that fits in a signed 64-bit integer.
    case integer(Int64)
    /// A whole number above the signed range. Sequence numbers may reach 2⁶⁴ − 1.
    case unsigned(UInt64)
    /// Any other number.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    /// Reads any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Writes the value as JSON.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// Returns whether text contains arrays and objects that are nested deeper than a limit. This function looks at
    /// each byte only once, whereas a decoder's time grows at least with the square of the depth.
    ///
    /// - Parameters:
    ///   - text: The text, which need not be JSON.
    ///   - limit: The deepest nesting allowed.
    /// - Returns: Whether the text exceeds the limit.
    public static func isNested(_ text: [UInt8], deeperThan limit: Int) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\\") where isInString: isEscaped = true
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "[") where !isInString, UInt8(ascii: "{") where !isInString:
                depth += 1
                if depth > limit { return true }
            case UInt8(ascii: "]") where !isInString, UInt8(ascii: "}") where !isInString: depth -= 1
            default: break
            }
        }
        return false
    }

    /// The members of an object; nil for another kind of value.
    public var members: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }
}

extension [UInt8] {
    /// Appends text as a JSON string: in quotes, with the escapes that JSON requires.
    package mutating func appendJSON(_ text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                append(contentsOf: #"\u00"#.utf8)
                append(digits[Int(byte >> 4)])
                append(digits[Int(byte & 0xF)])
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a JSON value. The members of objects are sorted by name, so equal values have equal bytes.
    package mutating func appendJSON(_ value: JSONValue) {
        switch value {
        case .null: append(contentsOf: "null".utf8)
        case .bool(let value): append(contentsOf: value.description.utf8)
        case .integer(let value): append(contentsOf: value.description.utf8)
        case .unsigned(let value): append(contentsOf: value.description.utf8)
        case .number(let value): append(contentsOf: value.description.utf8)
        case .string(let text): appendJSON(text)
        case .array(let elements):
            appendJSON("[", elements, "]") { $0.appendJSON($1) }
        case .object(let members):
            appendJSON("{", members.sorted { $0.key < $1.key }, "}") { bytes, member in
                bytes.appendJSON(member.key)
                bytes.append(UInt8(ascii: ":"))
                bytes.appendJSON(member.value)
            }
        }
    }

    private mutating func appendJSON<Item>(
        _ opening: Unicode.Scalar, _ elements: [Item], _ closing: Unicode.Scalar,
        _ appendElement: (inout [UInt8], Item) -> Void
    ) {
        append(UInt8(ascii: opening))
        for (index, element) in elements.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            appendElement(&self, element)
        }
        append(UInt8(ascii: closing))
    }
}

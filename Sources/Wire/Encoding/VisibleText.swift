/// Makes untrusted text safe to show in a terminal or a log. The resulting text cannot move the cursor, change the
/// reading order, end a line or hide characters.
///
/// The escaped characters are control characters (C0, DEL, C1), format characters (bidirectional marks, embeddings,
/// overrides and isolates, zero-width characters, the byte order mark, tags), line and paragraph separators, and other
/// characters without a visible form. Escapes follow Swift: `\n`, `\u{202e}`. A byte that is not UTF-8 becomes `\xff`.
public enum VisibleText {
    /// Whether a terminal shows a character as itself, without any side effect.
    public static func shows(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return false
        // Variation selectors only change the appearance of the preceding character.
        default: return !scalar.properties.isDefaultIgnorableCodePoint || (0xFE00...0xFE0F).contains(scalar.value)
        }
    }

    /// Returns a string with escapes in place of unsafe characters. Backslashes are not escaped, so that a string that
    /// is already quoted does not change.
    ///
    /// - Parameters:
    ///   - text: Any string.
    ///   - keepsLines: Whether line feeds are kept, for multi-line text.
    /// - Returns: The text to show.
    public static func escaped(_ text: String, keepsLines: Bool = false) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || keepsLines && $0 == 0x0A }) { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { append(scalar, to: &shown, keepsLines: keepsLines) }
        return String(shown)
    }

    /// Returns a string in double quotes, with backslashes and quotes escaped as well. Different strings always have
    /// different quoted forms.
    ///
    /// - Parameter text: Any string, such as a stream's id.
    /// - Returns: The text to show.
    public static func quoted(_ text: String) -> String { quoted(Array(text.utf8)) }

    /// Returns bytes as text in double quotes. Different byte sequences always have different quoted forms.
    ///
    /// - Parameter bytes: Any bytes, such as a frame where an id should be.
    /// - Returns: The text to show.
    public static func quoted(_ bytes: [UInt8]) -> String {
        var shown = "\"".unicodeScalars
        var decoder = UTF8()
        var rest = bytes[...]
        while let first = rest.first {
            var iterator = rest.makeIterator()
            if case .scalarValue(let scalar) = decoder.decode(&iterator) {
                if scalar == "\\" || scalar == "\"" { shown.append("\\") }
                append(scalar, to: &shown, keepsLines: false)
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                shown.append(contentsOf: "\\x\(hexadecimal(UInt32(first), digits: 2))".unicodeScalars)
                rest = rest.dropFirst()
            }
            decoder = UTF8()
        }
        shown.append("\"")
        return String(shown)
    }

    /// Returns JSON in which JSON escapes, such as `\u202e`, replace unsafe characters. The meaning stays the same.
    ///
    /// - Parameter json: JSON on one line.
    /// - Returns: JSON on one line. Bytes that are not UTF-8 are replaced.
    public static func escaped(json: [UInt8]) -> [UInt8] {
        if json.allSatisfy({ (0x20..<0x7F).contains($0) }) { return json }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(json.count)
        // Only JSON's strings can hold unsafe characters. Everything else is ASCII, and any whitespace may be replaced
        // with spaces.
        for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
            if shows(scalar) {
                escaped += UTF8.encode(scalar).map { Array($0) } ?? []
            } else if ["\n", "\r", "\t"].contains(scalar) {
                escaped.append(UInt8(ascii: " "))
            } else {
                for unit in String(scalar).utf16 { escaped += "\\u\(hexadecimal(UInt32(unit), digits: 4))".utf8 }
            }
        }
        return escaped
    }

    private static func append(
        _ scalar: Unicode.Scalar, to shown: inout String.UnicodeScalarView, keepsLines: Bool
    ) {
        if shows(scalar) || keepsLines && scalar == "\n" { return shown.append(scalar) }
        let escape =
            switch scalar {
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            default: "\\u{\(String(scalar.value, radix: 16))}"
            }
        shown.append(contentsOf: escape.unicodeScalars)
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

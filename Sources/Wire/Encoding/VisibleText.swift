/// Text that somebody else chose, as a terminal or a log may show it: nothing in it moves the cursor, changes the order of what
/// is read, ends a line or stays unseen.
///
/// Escaped are control characters (C0, DEL, C1), format characters (bidirectional marks, embeddings, overrides and isolates,
/// zero-width characters, the byte order mark, tags), the separators of lines and paragraphs, and other characters that are
/// drawn as nothing. An escape looks as in Swift: `\n`, `\u{202e}`. A byte that is not UTF-8 is `\xff`.
public enum VisibleText {
    /// Whether a terminal shows a character as itself and nothing else.
    public static func shows(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return false
        // Variation selectors only choose how the character before them looks.
        default: return !scalar.properties.isDefaultIgnorableCodePoint || (0xFE00...0xFE0F).contains(scalar.value)
        }
    }

    /// A text with escapes for what must not be shown. Backslashes stay as they are, so that a text that was quoted does, too.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - keepsLines: Line feeds stay: the text is one of several lines.
    /// - Returns: The text to show.
    public static func escaped(_ text: String, keepsLines: Bool = false) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || keepsLines && $0 == 0x0A }) { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { append(scalar, to: &shown, keepsLines: keepsLines) }
        return String(shown)
    }

    /// A text in double quotes, with backslashes and quotes escaped too: no two texts look the same.
    ///
    /// - Parameter text: Any text, such as a stream's id.
    /// - Returns: The text to show.
    public static func quoted(_ text: String) -> String { quoted(Array(text.utf8)) }

    /// Bytes as text in double quotes: no two look the same.
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

    /// JSON with escapes of its own, `\u202e`, for what must not be shown. It has the same meaning.
    ///
    /// - Parameter json: JSON on one line.
    /// - Returns: JSON on one line; bytes that are not UTF-8 are replaced.
    public static func escaped(json: [UInt8]) -> [UInt8] {
        if json.allSatisfy({ (0x20..<0x7F).contains($0) }) { return json }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(json.count)
        // What must be escaped stands in strings alone: the rest of JSON is ASCII, and white space may be a blank.
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

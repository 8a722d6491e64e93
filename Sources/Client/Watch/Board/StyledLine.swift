import Glibc

/// A line of text whose parts have styles.
package struct StyledLine: Equatable, Sendable {
    /// The text styles of a terminal. The raw values are the parameters of the escape sequence SGR.
    package enum Style: String, Sendable {
        case plain = ""
        case bold = "1"
        case faint = "2"
        case inverse = "7"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    private var parts: [(text: String, style: Style)] = []

    /// Creates a line with one part.
    init(_ text: String = "", _ style: Style = .plain) {
        append(text, style)
    }

    /// Adds a part at the end.
    mutating func append(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { parts.append((text, style)) }
    }

    /// The number of characters.
    var count: Int { parts.reduce(0) { $0 + $1.text.count } }

    /// The text without styles.
    package var text: String { parts.map(\.text).joined() }

    /// Returns the line, truncated to a number of characters.
    func prefix(_ width: Int) -> StyledLine {
        var line = StyledLine()
        for part in parts { line.append(String(part.text.prefix(max(0, width - line.count))), part.style) }
        return line
    }

    /// Returns the text for a terminal.
    ///
    /// - Parameter hasColours: Whether to write styles.
    /// - Returns: The text, with escape sequences around the parts that have a style.
    package func rendered(hasColours: Bool) -> String {
        guard hasColours else { return text }
        return parts.map { $0.style == .plain ? $0.text : "\u{1B}[\($0.style.rawValue)m\($0.text)\u{1B}[0m" }.joined()
    }

    /// Returns whether two lines have the same text and styles.
    package static func == (one: StyledLine, other: StyledLine) -> Bool {
        one.parts.elementsEqual(other.parts) { $0 == $1 }
    }

    /// Returns whether the environment allows colours: `NO_COLOR` is unset or empty (<https://no-color.org>), and the
    /// terminal is not dumb.
    package static func areColoursAllowed(in environment: [String: String]) -> Bool {
        (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}

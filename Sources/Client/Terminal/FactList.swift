import Wire

/// Names and values in two columns. No line exceeds a given width. A long value continues on the following lines.
struct FactList {
    private let width: Int
    private var facts: [(name: String, value: String)] = []

    /// Creates an empty list.
    ///
    /// - Parameter width: The maximum number of characters in a line.
    init(width: Int) {
        self.width = width
    }

    /// Adds a fact. Characters that a terminal would not show are escaped.
    mutating func append(_ name: String, _ value: String) {
        facts.append((VisibleText.escaped(name), VisibleText.escaped(value)))
    }

    /// The formatted lines. A word that is wider than its column is shortened in the middle.
    var lines: [String] {
        let indent = (facts.map(\.name.count).max() ?? 0) + 2
        let room = max(1, width - indent)
        return facts.flatMap { fact in
            var lines = [""]
            for word in fact.value.split(separator: " ").map({ $0.shortened(to: room) }) {
                if lines[lines.count - 1].isEmpty {
                    lines[lines.count - 1] = word
                } else if lines[lines.count - 1].count + 1 + word.count <= room {
                    lines[lines.count - 1] += " " + word
                } else {
                    lines.append(word)
                }
            }
            return lines.enumerated().map { index, line in
                let name = index == 0 ? fact.name : ""
                return name + String(repeating: " ", count: indent - name.count) + line
            }
        }
    }
}

extension StringProtocol {
    /// Returns the text, with its middle replaced by an ellipsis if it is too long. Both ends are kept, because they
    /// distinguish an id or a path from others.
    ///
    /// - Parameter width: The maximum number of characters.
    /// - Returns: At most `width` characters.
    func shortened(to width: Int) -> String {
        guard count > width else { return String(self) }
        guard width > 1 else { return String(prefix(Swift.max(0, width))) }
        return prefix(width / 2) + "…" + suffix((width - 1) / 2)
    }
}

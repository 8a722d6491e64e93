/// A curve of one metric over the epochs, drawn with characters for a terminal.
struct LossCurve {
    /// The height of the curve in lines.
    private static let rows = 8
    /// The maximum width of the curve in characters.
    private static let longest = 60
    /// The block characters, from an empty one to a full one in steps of an eighth.
    private static let blocks = Array(" ▁▂▃▄▅▆▇█").map(String.init)

    /// The lines of the curve; empty if there are fewer than two finite values or if the terminal is too narrow.
    let lines: [String]

    /// Draws a curve. Values between two epochs are interpolated.
    ///
    /// - Parameters:
    ///   - values: The value of the metric after each epoch.
    ///   - name: The name of the metric.
    ///   - first: The first epoch, counted from 1.
    ///   - columns: The width of the terminal.
    init(_ values: [Double], name: String, first: Int, columns: Int) {
        let finite = values.filter(\.isFinite)
        let labels = [finite.max(), finite.min()].map { Quantity.fixed($0 ?? .nan, digits: 4) }
        let margin = ([name] + labels).map(\.count).max() ?? 0
        let width = min(Self.longest, columns - margin - 3)
        guard finite.count > 1, width > 1, let least = finite.min(), let most = finite.max() else {
            lines = []
            return
        }
        let heights = (0..<width).map { column -> Int in
            let value = Self.value(at: Double(column) / Double(width - 1), of: values)
            let part = most > least ? (value - least) / (most - least) : 0
            return part.isFinite ? 1 + Int((part * Double(8 * Self.rows - 1)).rounded()) : 0
        }
        let curve = (0..<Self.rows).map { row in
            let below = 8 * (Self.rows - 1 - row)
            let label = row == 0 ? labels[0] : row == Self.rows - 1 ? labels[1] : row == Self.rows / 2 ? name : ""
            let line = heights.map { Self.blocks[min(max($0 - below, 0), 8)] }.joined()
            return Self.padded(label, to: margin) + " │" + line
        }
        let (start, end) = ("epoch \(first)", "\(first + values.count - 1)")
        let gap = String(repeating: " ", count: max(1, width - start.count - end.count))
        lines =
            (curve + [
                Self.padded("", to: margin) + " └" + String(repeating: "─", count: width),
                Self.padded("", to: margin) + "  " + start + gap + end,
            ]).map(\.withoutBlanksAtEnd)
    }

    /// Returns the interpolated value at a position between the first value (0) and the last (1).
    private static func value(at part: Double, of values: [Double]) -> Double {
        let position = part * Double(values.count - 1)
        let before = min(Int(position), values.count - 2)
        return values[before] + (values[before + 1] - values[before]) * (position - Double(before))
    }

    private static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: width - text.count) + text
    }
}

extension String {
    fileprivate var withoutBlanksAtEnd: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

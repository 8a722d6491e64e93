import Wire

/// The last decisions of one stream, as text.
enum HistoryText {
    /// The maximum number of bars.
    private static let bars = 40

    /// Returns the last decisions as a sparkline, followed by their range, number and duration, and by the counts of
    /// marks such as resets.
    ///
    /// - Parameter answer: The daemon's answer for one stream.
    /// - Returns: One line.
    static func text(_ answer: HistoryAnswer) -> String {
        guard answer.points > 0 else { return "none kept; start sluiced with --history N" }
        guard let history = answer.streams.first, let first = history.times.first, let last = history.times.last else {
            return "none"
        }
        let values = history.probabilities.compactMap(\.self)
        let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
        var sparkline = Sparkline(capacity: bars)
        for value in history.probabilities { sparkline.append(scaled(value ?? .nan, least, greatest)) }
        var parts = [
            "\(sparkline.text) \(Quantity.fixed(Double(least), digits: 4)) to \(Quantity.fixed(Double(greatest), digits: 4))",
            "\(Quantity.count(history.times.count, of: "decision")) in \(Quantity.duration(last - first))",
        ]
        for kind in HistoryMark.Kind.allCases {
            let count = history.marks.count { $0.kind == kind }
            if count > 0 { parts.append("\(Quantity.count(count)) \(kind.rawValue)") }
        }
        return parts.joined(separator: ", ")
    }

    /// Returns a probability unchanged. Scales any other output to its position between the least and the greatest
    /// value.
    private static func scaled(_ value: Float, _ least: Float, _ greatest: Float) -> Float {
        guard least < 0 || greatest > 1 else { return value }
        return greatest > least ? (value - least) / (greatest - least) : 0.5
    }
}

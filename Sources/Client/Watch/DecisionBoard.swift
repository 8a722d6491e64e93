package import Wire

/// The last decision on each stream, as a table that fits a window.
package struct DecisionBoard {
    /// The order of streams.
    package enum Order: String, CaseIterable, Sendable {
        /// By id while all streams fit, else by the most recent change of label.
        case auto
        /// By id.
        case id
        /// By the most recent change of label.
        case recent
    }

    private struct Row {
        var decision: Decision
        var sparkline = Sparkline()
        /// The number of decisions at the last change of the label.
        var changed: UInt64
    }

    private let order: Order
    private var rows: [StreamKey: Row] = [:]
    /// The number of decisions so far.
    package private(set) var count: UInt64 = 0

    /// Creates an empty board.
    ///
    /// - Parameter order: The order of streams.
    package init(order: Order = .auto) {
        self.order = order
    }

    /// The numbers of decisions and streams.
    package var summary: String {
        "\(Quantity.count(count, of: "decision")) on \(Quantity.count(rows.count, of: "stream"))"
    }

    /// Adds a stream's next decision. A replayed decision is not counted, and does not change an existing row.
    ///
    /// - Parameters:
    ///   - decision: The decision.
    ///   - stream: The stream's id.
    package mutating func add(_ decision: Decision, stream: String) {
        let key = StreamKey(stream)
        if decision.flags.contains(.replayed) {
            guard rows[key] == nil else { return }
        } else {
            count += 1
        }
        rows[key, default: Row(decision: decision, changed: count)].decision = decision
        if decision.flags.contains(.changed) { rows[key]?.changed = count }
        rows[key]?.sparkline.append(Self.probability(decision))
    }

    /// Returns the table's lines, none wider than the window.
    ///
    /// - Parameters:
    ///   - title: The title of the board.
    ///   - columns: The window's width in characters.
    ///   - height: The window's height in lines.
    /// - Returns: At most `height` lines.
    package func lines(title: String, columns: Int, height: Int) -> [String] {
        // The title, the table's header, and the line about the streams without room.
        let room = max(1, height - 2)
        let fits = rows.count <= room
        let shown = sorted(byID: order == .id || (order == .auto && fits)).prefix(fits ? room : max(1, room - 1))
        var table = TextTable([
            .init("STREAM"), .init("SEQUENCE", .right), .init("STEP", .right), .init("PROBABILITY", .right),
            .init("LABEL", .right), .init("FLAGS"), .init("LAST \(Sparkline().capacity)"),
        ])
        for (stream, row) in shown {
            table.append([
                Self.clipped(VisibleText.escaped(stream.id), to: max(8, columns - 80)), "\(row.decision.sequence)",
                "\(row.decision.step)",
                Quantity.fixed(Double(Self.probability(row.decision)), digits: 4), "\(row.decision.label)",
                Self.flags(row.decision), row.sparkline.text,
            ])
        }
        var lines = [VisibleText.escaped(title)] + table.lines
        if !fits { lines.append("… and \(Quantity.count(rows.count - shown.count, of: "more stream"))") }
        return lines.prefix(max(1, height)).map { Self.clipped($0, to: columns) }
    }

    private func sorted(byID: Bool) -> [(key: StreamKey, value: Row)] {
        byID ? rows.sorted { $0.key < $1.key } : rows.sorted { ($1.value.changed, $0.key) < ($0.value.changed, $1.key) }
    }

    /// Returns the model's only output, or the largest of several, which belongs to the label.
    private static func probability(_ decision: Decision) -> Float {
        decision.probabilities.max() ?? .nan
    }

    private static func flags(_ decision: Decision) -> String {
        (DecisionText.flags + [("replayed", .replayed)]).filter { decision.flags.contains($0.flag) }.map(\.name)
            .joined(separator: " ")
    }

    private static func clipped(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }
}

package import Wire

/// The last decision on each stream, as a table that fits into a window.
package struct DecisionBoard {
    /// The order of streams.
    package enum Order: String, CaseIterable, Sendable {
        /// By id while all streams fit into the window, otherwise by the most recent change of label.
        case auto
        /// By id.
        case id
        /// By the most recent change of label.
        case recent
        /// By probability, highest first.
        case probability
    }

    private struct Row {
        var decision: Decision
        var sparkline = Sparkline()
        /// The value of the board's decision counter when the label last changed.
        var changed: UInt64
        /// The time of the decision.
        var time: ContinuousClock.Instant
        /// The sequence number of the last timestep that the reported history covers; nil if the daemon reported no
        /// history.
        var known: UInt64?
    }

    /// The time without a decision after which a row is shown faint, in seconds.
    private static let staleSeconds = 10.0

    private var rows: [StreamKey: Row] = [:]
    /// The number of decisions so far.
    package private(set) var count: UInt64 = 0

    /// Creates an empty board.
    package init() {}

    /// The number of decisions and the number of streams, as text.
    package var summary: String {
        "\(Quantity.count(count, of: "decision")) on \(Quantity.count(rows.count, of: "stream"))"
    }

    /// Adds a stream's next decision. A replayed decision is not counted and does not change an existing row.
    ///
    /// - Parameters:
    ///   - decision: The decision.
    ///   - stream: The stream's id.
    ///   - time: The time of the decision.
    package mutating func add(_ decision: Decision, stream: String, at time: ContinuousClock.Instant) {
        let key = StreamKey(stream)
        if decision.flags.contains(.replayed) {
            guard rows[key] == nil else { return }
        } else {
            count += 1
        }
        rows[key, default: Row(decision: decision, changed: count, time: time)].decision = decision
        rows[key]?.time = time
        if decision.flags.contains(.changed) { rows[key]?.changed = count }
        // A decision made after the subscription but before the history was reported is in the history too. Do not add
        // a second bar for it.
        if decision.sequence > rows[key]?.known ?? 0 { rows[key]?.sparkline.append(Self.probability(decision)) }
    }

    /// Adds a stream with its decisions from before the watch began.
    ///
    /// - Parameters:
    ///   - history: The stream's history.
    ///   - now: The current time.
    package mutating func add(_ history: StreamHistory, at now: ContinuousClock.Instant) {
        let key = StreamKey(history.stream)
        guard rows[key] == nil, let time = history.times.last else { return }
        let decision = Decision(
            sequence: history.timesteps, step: history.step, time: Int64(time * 1e9), flags: .replayed,
            label: history.label, probabilities: [history.probability ?? .nan])
        var row = Row(
            decision: decision, changed: count, time: now - .seconds(history.idleSeconds), known: history.timesteps)
        for probability in history.probabilities.suffix(Sparkline.capacity) {
            row.sparkline.append(probability ?? .nan)
        }
        rows[key] = row
    }

    /// Returns the number of streams whose ids contain the view's filter.
    package func count(in view: BoardView) -> Int {
        view.filter.isEmpty ? rows.count : rows.keys.count { $0.id.contains(view.filter) }
    }

    /// Returns the table's lines. No line is wider than the window.
    ///
    /// - Parameters:
    ///   - header: The lines above the table.
    ///   - view: The order, filter and position.
    ///   - columns: The window's width in characters.
    ///   - height: The window's height in lines.
    ///   - now: The current time, from which ages are computed.
    /// - Returns: At most `height` lines.
    package func lines(
        header: BoardHeader, view: BoardView, columns: Int, height: Int, at now: ContinuousClock.Instant
    ) -> [StyledLine] {
        let above = header.lines(streams: rows.count, view: view, columns: columns)
        let footer = StyledLine("q quit  ↑↓ scroll  / filter  s sort  p pause", .faint).prefix(columns)
        let room = Self.room(height: height, hasNotice: header.notice != nil)
        let selected = sorted(in: view, room: room)
        let hidden = selected.count - room
        let shown = selected.dropFirst(max(0, min(view.offset, hidden))).prefix(room)
        let table = self.table(Array(shown), columns: columns, at: now)
        let more = hidden > 0 ? StyledLine("… and \(Quantity.count(hidden, of: "more stream"))  ") : StyledLine()
        var last = more
        last.append(footer.text, .faint)
        return Array((above + table + [last.prefix(columns)]).prefix(max(1, height)))
    }

    /// Returns the number of streams that fit into a window.
    package static func room(height: Int, hasNotice: Bool) -> Int {
        max(1, height - (hasNotice ? 3 : 2) - 2)
    }

    private func sorted(in view: BoardView, room: Int) -> [(key: StreamKey, value: Row)] {
        let selected = rows.filter { view.filter.isEmpty || $0.key.id.contains(view.filter) }
        switch view.order {
        case .id: return selected.sorted { $0.key < $1.key }
        case .auto where selected.count <= room: return selected.sorted { $0.key < $1.key }
        case .auto, .recent:
            return selected.sorted { ($1.value.changed, $0.key) < ($0.value.changed, $1.key) }
        case .probability:
            return selected.sorted {
                (Self.probability($1.value.decision), $0.key) < (Self.probability($0.value.decision), $1.key)
            }
        }
    }

    /// Returns the column titles and one line for each stream.
    private func table(
        _ shown: [(key: StreamKey, value: Row)], columns: Int, at now: ContinuousClock.Instant
    ) -> [StyledLine] {
        let ids = shown.map { VisibleText.escaped($0.key.id) }
        let cells = shown.map { _, row in BoardLayout.Column.allCases.map { Self.cell($0, of: row, at: now) } }
        var widths: [BoardLayout.Column: Int] = [:]
        for (index, column) in BoardLayout.Column.allCases.enumerated() {
            widths[column] = cells.reduce(column.rawValue.count) { max($0, $1[index].count) }
        }
        let layout = BoardLayout(
            width: columns, id: ids.reduce("STREAM".count) { max($0, $1.count) }, widths: widths,
            sparkline: Sparkline.capacity)
        func line(_ id: String, _ cell: (BoardLayout.Column) -> String) -> String {
            let shortened = id.shortened(to: layout.id)
            let start = shortened + String(repeating: " ", count: layout.id - shortened.count)
            return layout.columns.reduce(start) { line, column in
                let text = cell(column)
                let padding = String(repeating: " ", count: max(0, (widths[column] ?? 0) - text.count))
                return line + "  " + (column == .flags ? text + padding : padding + text)
            }
        }
        var lines = [StyledLine(line("STREAM") { $0.rawValue } + (layout.sparkline > 0 ? "  LAST" : ""), .bold)]
        for (index, (_, row)) in shown.enumerated() {
            let text = line(ids[index]) { cells[index][BoardLayout.Column.allCases.firstIndex(of: $0) ?? 0] }
            var styled = StyledLine(text, style(of: row, at: now))
            if layout.sparkline > 0 { styled.append("  " + row.sparkline.text(last: layout.sparkline)) }
            lines.append(styled)
        }
        return lines.map { $0.prefix(columns) }
    }

    private func style(of row: Row, at now: ContinuousClock.Instant) -> StyledLine.Style {
        if Self.age(of: row, at: now) >= Self.staleSeconds { return .faint }
        return row.decision.label == 0 ? .plain : .yellow
    }

    private static func cell(_ column: BoardLayout.Column, of row: Row, at now: ContinuousClock.Instant) -> String {
        switch column {
        case .probability: Quantity.fixed(Double(probability(row.decision)), digits: 4)
        case .label: "\(row.decision.label)"
        case .age: Quantity.age(age(of: row, at: now))
        case .step: "\(row.decision.step)"
        case .sequence: "\(row.decision.sequence)"
        case .flags: flags(row.decision)
        }
    }

    private static func age(of row: Row, at now: ContinuousClock.Instant) -> Double {
        max(0, (now - row.time) / .seconds(1))
    }

    /// Returns the model's only output, or the largest of several outputs, which determines the label.
    private static func probability(_ decision: Decision) -> Float {
        decision.probabilities.max() ?? .nan
    }

    private static func flags(_ decision: Decision) -> String {
        (DecisionText.flags + [("replayed", .replayed)]).filter { decision.flags.contains($0.flag) }.map(\.name)
            .joined(separator: " ")
    }
}

import Wire

/// A table in plain text: columns as wide as their widest cell, two spaces apart.
public struct TextTable: Sendable {
    /// On which side a column's cells stand.
    public enum Alignment: Sendable {
        /// Text.
        case left
        /// Numbers.
        case right
    }

    /// One column.
    public struct Column: Sendable {
        let title: String
        let alignment: Alignment

        /// Creates a column.
        ///
        /// - Parameters:
        ///   - title: What stands above it.
        ///   - alignment: On which side its cells stand.
        public init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    /// An empty table.
    ///
    /// - Parameter columns: Its columns, from the left.
    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row.
    ///
    /// - Parameter cells: One for each column; what a terminal would not show is escaped.
    public mutating func append(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(cells.map { VisibleText.escaped($0) })
    }

    /// The table's lines, the titles first. No line ends in spaces.
    public var lines: [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                line += index == 0 ? "" : "  "
                line += columns[index].alignment == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

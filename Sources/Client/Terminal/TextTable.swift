import Wire

/// A table in plain text. Each column is as wide as its widest cell, and columns are two spaces apart.
package struct TextTable: Sendable {
    /// The alignment of a column's cells.
    package enum Alignment: Sendable {
        /// Left-aligned, for text.
        case left
        /// Right-aligned, for numbers.
        case right
    }

    /// One column.
    package struct Column: Sendable {
        let title: String
        let alignment: Alignment

        /// Creates a column.
        ///
        /// - Parameters:
        ///   - title: The title of the column.
        ///   - alignment: The alignment of its cells.
        package init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    /// The cells, row by row.
    private(set) var rows: [[String]] = []
    /// The titles of the columns.
    var titles: [String] { columns.map(\.title) }

    /// Creates an empty table.
    ///
    /// - Parameter columns: The columns, from left to right.
    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row.
    ///
    /// - Parameter cells: One cell for each column. Characters that a terminal would not show are escaped.
    package mutating func append(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(cells.map { VisibleText.escaped($0) })
    }

    /// The table's lines, beginning with the column titles. No line has trailing spaces.
    package var lines: [String] {
        let all = [titles] + rows
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

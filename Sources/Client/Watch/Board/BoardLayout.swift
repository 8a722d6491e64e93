/// The widths of the live table's columns. In a narrow window, the sparkline shrinks first. Then columns are dropped,
/// and ids are shortened in the middle.
struct BoardLayout: Equatable {
    /// The columns to the right of the ids, from left to right.
    enum Column: String, CaseIterable {
        case probability = "PROB"
        case label = "LABEL"
        case age = "AGE"
        case step = "STEP"
        case sequence = "SEQUENCE"
        case flags = "FLAGS"
    }

    /// The columns to drop before ids are shortened, in this order.
    private static let dispensable: [Column] = [.flags, .sequence, .step]
    /// The width of the narrowest sparkline that is still readable.
    private static let shortestSparkline = 6
    /// The smallest width at which ids can still distinguish streams. With less room, the age is dropped.
    private static let shortestID = 24

    /// The width of the ids.
    private(set) var id: Int
    /// The shown columns.
    private(set) var columns: [Column]
    /// The width of the sparkline; 0 if it is not shown.
    private(set) var sparkline: Int

    private static let gap = 2

    /// Creates a layout.
    ///
    /// - Parameters:
    ///   - width: The window's width.
    ///   - id: The width of the longest id.
    ///   - widths: The width of the longest cell in each column, including the title.
    ///   - sparkline: The maximum width of the sparkline.
    init(width: Int, id: Int, widths: [Column: Int], sparkline: Int) {
        func room(_ columns: [Column]) -> Int {
            width - columns.reduce(0) { $0 + Self.gap + (widths[$1] ?? 0) }
        }
        var columns = Column.allCases
        let shortest = Self.gap + min(sparkline, Self.shortestSparkline)
        for column in Self.dispensable where room(columns) < id + shortest { columns.removeAll { $0 == column } }
        if room(columns) < min(id, Self.shortestID) { columns.removeAll { $0 == .age } }
        self.id = max(1, min(id, room(columns)))
        self.columns = columns
        let left = room(columns) - self.id - Self.gap
        self.sparkline = left < min(sparkline, Self.shortestSparkline) ? 0 : min(sparkline, left)
    }
}

import FoundationEssentials
import Wire

/// The live table on a terminal. It receives decisions and keys, and renders screens.
struct LiveBoard {
    private let title: String
    private let hasColours: Bool
    private var board = DecisionBoard()
    private var view: BoardView
    private var rate = DecisionRate()
    private var notice: String?
    /// A copy of the board from when the table was paused, and the time of the pause; nil unless paused.
    private var still: (board: DecisionBoard, time: ContinuousClock.Instant)?

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - title: The watched streams and the daemon's endpoint.
    ///   - order: The order of streams at the start.
    ///   - hasColours: Whether to use colours.
    init(title: String, order: DecisionBoard.Order, hasColours: Bool) {
        self.title = title
        self.hasColours = hasColours
        view = BoardView(order: order)
    }

    /// Whether a key has ended the watch.
    var isOver: Bool { view.isOver }
    /// The number of decisions and the number of streams, as text.
    var summary: String { board.summary }

    /// Adds a stream's next decision.
    mutating func add(_ decision: Decision, stream: String) {
        let now = ContinuousClock.now
        guard decision.flags.contains(.replayed) else { return board.add(decision, stream: stream, at: now) }
        // The daemon made the decision before this watch began, so subtract its age from the current time.
        let age = max(0, Date.now.timeIntervalSince1970 - Double(decision.time) / 1e9)
        board.add(decision, stream: stream, at: now - .seconds(age))
    }

    /// Adds a stream with its decisions from before the watch began.
    mutating func add(_ history: StreamHistory) { board.add(history, at: .now) }

    /// Applies a key.
    mutating func press(_ key: TerminalKey, rows: Int) {
        let shown = still?.board ?? board
        view.press(key, page: DecisionBoard.room(height: rows, hasNotice: notice != nil), count: shown.count(in: view))
        if view.isPaused, still == nil { still = (board, .now) }
        if !view.isPaused { still = nil }
    }

    /// Returns the text that draws the table over the previous screen.
    mutating func screen(
        columns: Int, rows: Int, lostAt: ContinuousClock.Instant?, notice: String?
    ) -> String {
        self.notice = notice
        let now = ContinuousClock.now
        let time = Quantity.localTime(nanoseconds: Int64(Date.now.timeIntervalSince1970 * 1e9))
        let header = BoardHeader(
            title: title, clock: String(time.suffix(8)), rate: rate.sample(board.count, at: now),
            lostSeconds: lostAt.map { (now - $0) / .seconds(1) }, notice: notice)
        let shown = still ?? (board, now)
        let lines = shown.board.lines(header: header, view: view, columns: columns, height: rows, at: shown.time)
        // To avoid flicker, overwrite line by line and then clear the rest.
        let text = lines.map { $0.rendered(hasColours: hasColours) }.joined(separator: "\u{1B}[K\r\n")
        return "\u{1B}[H\(text)\u{1B}[K\u{1B}[J"
    }
}

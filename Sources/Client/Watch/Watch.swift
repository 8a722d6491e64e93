import FoundationEssentials
package import Wire
import ZeroMQ

/// Shows decisions as they arrive: as a live table on a terminal, otherwise as one line per decision.
package struct Watch {
    /// The options of a watch.
    package struct Options: Sendable {
        /// The format of decisions; nil for the live table on a terminal, and for CSV elsewhere.
        package var format: DecisionText?
        /// The order of streams in the live table.
        package var order: DecisionBoard.Order
        /// Whether to show events as JSON lines instead of decisions.
        package var events: Bool
        /// The number of decisions or events to show; nil for no limit.
        package var count: UInt64?
        /// The time to watch, in seconds; nil for no limit.
        package var seconds: Double?
        /// The daemon's models; empty if unknown. They determine which streams get a decision on every timestep.
        package var models: [DaemonStatus.Model]

        /// Creates options. Each parameter sets the property of the same name.
        package init(
            format: DecisionText?, order: DecisionBoard.Order, events: Bool, count: UInt64?, seconds: Double?,
            models: [DaemonStatus.Model] = []
        ) {
            self.models = models
            self.events = events
            self.format = format
            self.order = order
            self.count = count
            self.seconds = seconds
        }
    }

    /// The minimum time between two drawings of the table.
    static let redrawInterval = Duration.milliseconds(100)

    private let subscriber: DecisionSubscriber
    private let options: Options
    private let interruption: Interruption
    private let deadline: ContinuousClock.Instant?
    private var left: UInt64
    private var missed: MissedTimesteps
    private var lostAt: ContinuousClock.Instant?
    /// The latest news about the connection, for the live table's header. If decisions are written as lines, the news
    /// goes to standard error.
    private var notice: String?
    private var showsBoard = false
    private var output = StandardStream.output

    /// Creates a watch without showing anything. From now on, Ctrl-C makes ``run(title:)`` end normally.
    ///
    /// - Parameters:
    ///   - subscriber: The source of decisions.
    ///   - options: The options.
    /// - Throws: ``ClientError`` if the process has reached its limit of open files.
    package init(_ subscriber: DecisionSubscriber, options: Options) throws(ClientError) {
        self.subscriber = subscriber
        self.options = options
        interruption = try ClientError.wrapping { () throws(ZeroMQError) in try Interruption() }
        subscriber.add(interruption.wakeup)
        deadline = options.seconds.map { ContinuousClock.now + .seconds($0) }
        left = options.count ?? .max
        let routes = ModelRoutes(options.models)
        missed = MissedTimesteps { stream in
            routes.model(for: stream).map { $0.emit == "every" && !$0.mode.hasPrefix("window") } ?? false
        }
    }

    /// Shows decisions until a limit is reached, Ctrl-C is pressed, or the reader closes the output.
    ///
    /// - Parameters:
    ///   - title: The title of the live table.
    ///   - histories: Returns the histories of the watched streams, with which the live table begins.
    /// - Throws: ``ClientError`` if a message is not a decision, or if writing fails.
    package mutating func run(title: String, histories: () -> [StreamHistory]) throws(ClientError) {
        do throws(ClientError) {
            if options.events {
                try writeEvents()
            } else if options.format == nil, canShowBoard {
                try showBoard(title: title, histories())
            } else {
                try writeLines(as: options.format ?? .csv)
            }
        } catch {
            // The reader has closed the output, which is a normal end of the watch.
            if error != StandardStream.brokenPipe { throw error }
        }
    }

    private var isOver: Bool {
        left == 0 || interruption.isRequested || deadline.map { ContinuousClock.now >= $0 } ?? false
    }

    private func secondsLeft(atMost limit: Double? = nil) -> Double? {
        let left = deadline.map { max(0, ($0 - ContinuousClock.now) / .seconds(1)) }
        return [left, limit].compactMap(\.self).min()
    }

    private mutating func writeLines(as format: DecisionText) throws(ClientError) {
        if let header = format.header { try output.writeLine(header) }
        while !isOver {
            while left > 0, let (stream, decisions) = try subscriber.next() {
                missed.add(decisions, stream: stream)
                for decision in decisions where left > 0 {
                    left -= 1
                    try output.append { format.append(decision, stream: stream, to: &$0) }
                }
                if isOver { break }
            }
            try output.flush()
            try hear()
            if !isOver { try subscriber.wait(seconds: secondsLeft()) }
        }
        report()
    }

    /// Reports connection changes and missed decisions.
    private mutating func hear() throws(ClientError) {
        while let change = try subscriber.change() {
            switch change {
            case .lost:
                lostAt = ContinuousClock.now
                missed.interrupt()
                say("lost the daemon at \(subscriber.endpoint.address); waiting for its return")
            case .back:
                let seconds = lostAt.map { (ContinuousClock.now - $0) / .seconds(1) } ?? 0
                lostAt = nil
                say("the daemon at \(subscriber.endpoint.address) is back after \(Quantity.duration(seconds))")
            }
        }
        report()
    }

    private mutating func report() {
        guard !missed.isEmpty else { return }
        for line in missed.report() { say(line) }
    }

    private mutating func say(_ text: String) {
        notice = text
        guard !showsBoard else { return }
        var error = StandardStream.error
        // Ignore errors, because the decisions may still have a reader.
        try? error.writeLine(text)
    }

    private mutating func writeEvents() throws(ClientError) {
        while !isOver {
            while left > 0, let event = try subscriber.nextEvent() {
                left -= 1
                try output.append { $0 += VisibleText.escaped(json: event) + [UInt8(ascii: "\n")] }
            }
            try output.flush()
            try hear()
            if !isOver { try subscriber.wait(seconds: secondsLeft()) }
        }
    }

    private mutating func showBoard(title: String, _ histories: [StreamHistory]) throws(ClientError) {
        var board = LiveBoard(title: title, order: options.order, hasColours: hasColours)
        for history in histories { board.add(history) }
        let keys = try ClientError.wrapping { () throws(ZeroMQError) in try TerminalKeys() }
        if let keys { subscriber.add(keys.wakeup) }
        subscriber.takesReplayed = true
        showsBoard = true
        let start = ContinuousClock.now
        // Switch to the alternate screen, which preserves the terminal's content, and hide the cursor.
        try output.write("\u{1B}[?1049h\u{1B}[?25l")
        defer {
            keys?.end()
            try? output.write("\u{1B}[?25h\u{1B}[?1049l")
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try? output.writeLine("\(board.summary) in \(Quantity.duration(seconds))")
        }
        var drawn = ContinuousClock.now - Self.redrawInterval
        var isDrawn = false
        while !isOver, !board.isOver {
            var isDue = false
            while left > 0, !isDue, let (stream, decisions) = try subscriber.next() {
                missed.add(decisions, stream: stream)
                for decision in decisions where left > 0 {
                    if !decision.flags.contains(.replayed) { left -= 1 }
                    board.add(decision, stream: stream)
                }
                isDrawn = false
                isDue = ContinuousClock.now - drawn >= Self.redrawInterval
            }
            try hear()
            let size = output.windowSize ?? (columns: 80, rows: 24)
            let pressed = keys?.next() ?? []
            for key in pressed { board.press(key, rows: size.rows) }
            if ContinuousClock.now - drawn >= Self.redrawInterval || !pressed.isEmpty {
                try output.write(board.screen(columns: size.columns, rows: size.rows, lostAt: lostAt, notice: notice))
                drawn = ContinuousClock.now
                isDrawn = true
            }
            // Redraw after half a second without decisions, because the size of the window may have changed.
            let next = isDrawn ? 0.5 : (drawn + Self.redrawInterval - ContinuousClock.now) / .seconds(1)
            if !isOver, !board.isOver { try subscriber.wait(seconds: secondsLeft(atMost: next)) }
        }
    }

    private var hasColours: Bool { StyledLine.areColoursAllowed(in: ProcessInfo.processInfo.environment) }

    /// Whether the terminal can move its cursor.
    private var canShowBoard: Bool {
        output.isTerminal && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }
}

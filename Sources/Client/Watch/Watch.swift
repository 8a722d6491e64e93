public import Wire
import ZeroMQ

/// Shows decisions as they come: a live table on a terminal, else a line for each.
public struct Watch {
    /// The decisions to show, and how long to show them.
    public struct Options: Sendable {
        /// How decisions are written; nil: the live table on a terminal, else CSV.
        public var format: DecisionText?
        /// In which order the live table has the streams.
        public var order: DecisionBoard.Order
        /// Events are shown, as JSON lines, and no decisions.
        public var events: Bool
        /// Ends after so many decisions, or events; nil: never.
        public var count: UInt64?
        /// Ends after so many seconds; nil: never.
        public var seconds: Double?
        /// The daemon's models, which tell where every timestep is decided; empty where they are not known.
        public var models: [DaemonStatus.Model]

        /// Creates options; each parameter is the property of its name.
        ///
        /// - Parameters:
        ///   - format: How decisions are written; nil: the live table on a terminal, else CSV.
        ///   - order: In which order the live table has the streams.
        ///   - events: Events are shown, as JSON lines, and no decisions.
        ///   - count: Ends after so many decisions, or events; nil: never.
        ///   - seconds: Ends after so many seconds; nil: never.
        ///   - models: The daemon's models, which tell where every timestep is decided; empty where they are not known.
        public init(
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

    /// How often the table is drawn anew, at most.
    static let redrawInterval = Duration.milliseconds(100)

    private let subscriber: DecisionSubscriber
    private let options: Options
    private let interruption: Interruption
    private let deadline: ContinuousClock.Instant?
    private var left: UInt64
    private var missed: MissedTimesteps
    private var lostAt: ContinuousClock.Instant?
    /// The state of the connection in the live table's title; lines say it on standard error.
    private var notice: String?
    private var showsBoard = false
    private var output = StandardStream.output

    /// Shows nothing yet. From here on Ctrl-C ends ``run(title:)`` in order.
    ///
    /// - Parameters:
    ///   - subscriber: Where the decisions come from.
    ///   - options: What is shown, and for how long.
    /// - Throws: ``ClientError`` where the process may open no more files.
    public init(_ subscriber: DecisionSubscriber, options: Options) throws(ClientError) {
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

    /// Shows decisions until the end that the options set, Ctrl-C, or nobody reads any more.
    ///
    /// - Parameter title: What stands above the live table.
    /// - Throws: ``ClientError`` where what came is no decision, or writing failed.
    public mutating func run(title: String) throws(ClientError) {
        do throws(ClientError) {
            if options.events {
                try writeEvents()
            } else if options.format == nil, output.isTerminal {
                try showBoard(title: title)
            } else {
                try writeLines(as: options.format ?? .csv)
            }
        } catch {
            // Nobody reads any more: that is an end like any other.
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

    /// Says what became of the connection, and what passed meanwhile.
    private mutating func hear() throws(ClientError) {
        while let change = try subscriber.change() {
            switch change {
            case .lost:
                lostAt = ContinuousClock.now
                missed.interrupt()
                say("lost the daemon at \(subscriber.endpoint.address); waiting for it")
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
        // Whoever does not read this may read the decisions all the same.
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

    private mutating func showBoard(title: String) throws(ClientError) {
        var board = DecisionBoard(order: options.order)
        subscriber.takesReplayed = true
        showsBoard = true
        let start = ContinuousClock.now
        // The alternate screen, so that what stood on the terminal is there again afterwards; no cursor.
        try output.write("\u{1B}[?1049h\u{1B}[?25l")
        defer {
            try? output.write("\u{1B}[?25h\u{1B}[?1049l")
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try? output.writeLine("\(board.summary) in \(Quantity.duration(seconds))")
        }
        var drawn = ContinuousClock.now - Self.redrawInterval
        var isDrawn = false
        while !isOver {
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
            if ContinuousClock.now - drawn >= Self.redrawInterval {
                try draw(board, title: title)
                drawn = ContinuousClock.now
                isDrawn = true
            }
            // Half a second without news, and the table is drawn all the same: the window may have another size.
            let next = isDrawn ? 0.5 : (drawn + Self.redrawInterval - ContinuousClock.now) / .seconds(1)
            if !isOver { try subscriber.wait(seconds: secondsLeft(atMost: next)) }
        }
    }

    private mutating func draw(_ board: DecisionBoard, title: String) throws(ClientError) {
        let size = output.windowSize ?? (columns: 80, rows: 24)
        let lines = board.lines(
            title: "\(title): \(board.summary)\(notice.map { "; \($0)" } ?? "")", columns: size.columns,
            height: size.rows)
        // Line by line over what stood there, then clear the rest: no flicker.
        let text = lines.joined(separator: "\u{1B}[K\r\n")
        try output.write("\u{1B}[H\(text)\u{1B}[K\u{1B}[J")
    }
}

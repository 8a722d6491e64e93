import Wire

/// The lines above the live table.
package struct BoardHeader: Sendable {
    /// The watched streams and the daemon's endpoint.
    package var title: String
    /// The time of day.
    package var clock: String
    /// The number of decisions per second.
    package var rate: Double
    /// The time since the connection was lost, in seconds; nil while connected.
    package var lostSeconds: Double?
    /// The latest news about the connection and missed decisions.
    package var notice: String?

    /// Creates a header. Each parameter sets the property of the same name.
    package init(title: String, clock: String, rate: Double, lostSeconds: Double? = nil, notice: String? = nil) {
        self.title = title
        self.clock = clock
        self.rate = rate
        self.lostSeconds = lostSeconds
        self.notice = notice
    }

    /// Returns the lines.
    ///
    /// - Parameters:
    ///   - streams: The number of streams.
    ///   - view: The settings to show.
    ///   - columns: The window's width.
    /// - Returns: Two lines, or three if there is a notice. No line is wider than the window.
    func lines(streams: Int, view: BoardView, columns: Int) -> [StyledLine] {
        let room = max(1, columns - clock.count - 2)
        let title = VisibleText.escaped(self.title).shortened(to: room)
        var first = StyledLine(title, .bold)
        first.append(String(repeating: " ", count: max(1, columns - title.count - clock.count)) + clock)
        var second = StyledLine()
        if let lostSeconds {
            second.append("disconnected for \(Quantity.age(lostSeconds))", .red)
        } else {
            second.append("connected", .green)
        }
        let counts = [
            "\(Quantity.count(Int(rate.rounded()))) decisions/s", Quantity.count(streams, of: "stream"),
        ]
        for word in counts + view.words { second.append("  \(VisibleText.escaped(word))") }
        let news = notice.map { StyledLine(VisibleText.escaped($0).shortened(to: columns), .yellow) }
        return ([first, second] + [news].compactMap(\.self)).map { $0.prefix(columns) }
    }
}

/// The mean number of decisions per second over the last few seconds.
struct DecisionRate {
    /// The period over which the mean is taken.
    static let span = Duration.seconds(3)

    private var samples: [(time: ContinuousClock.Instant, count: UInt64)] = []

    /// Adds a sample.
    ///
    /// - Parameters:
    ///   - count: The number of decisions so far.
    ///   - now: The time of the sample, not earlier than the previous sample.
    /// - Returns: The rate; 0 for the first sample.
    mutating func sample(_ count: UInt64, at now: ContinuousClock.Instant) -> Double {
        samples.append((now, count))
        while samples.count > 2, now - samples[1].time >= Self.span { samples.removeFirst() }
        let seconds = (now - samples[0].time) / .seconds(1)
        return seconds > 0 ? Double(count - samples[0].count) / seconds : 0
    }
}

/// Shows the progress of a long command on one line that is overwritten: a bar if the total is known, and counts
/// otherwise.
struct ProgressMeter {
    static let interval = Duration.milliseconds(100)
    private static let usualColumns = 80
    private static let longestBar = 30
    private static let shortestBar = 5
    /// The time that must pass before the remaining time is estimated, in seconds.
    private static let estimateSeconds = 1.0

    private let total: Int?
    private var stream: StandardStream?
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    /// Creates a meter that shows nothing unless standard error is a terminal.
    ///
    /// - Parameters:
    ///   - total: The total amount of work, such as the size of a file in bytes; nil if unknown.
    ///   - isShown: Whether to show anything at all.
    init(total: Int?, isShown: Bool = true) {
        self.total = total
        let stream = StandardStream.error
        self.stream = isShown && stream.isTerminal ? stream : nil
    }

    /// Shows the progress, at most ten times a second.
    mutating func update(done: Int, timesteps: UInt64) {
        guard stream != nil else { return }
        let now = ContinuousClock.now
        guard now - shown >= Self.interval else { return }
        shown = now
        let elapsed = now - start
        let text = Self.text(
            done: done, total: total, timesteps: timesteps, seconds: elapsed / .seconds(1),
            columns: stream?.windowSize?.columns ?? Self.usualColumns)
        // Ignore errors, so that the command continues even if the terminal was closed.
        try? stream?.write("\r\(text)\u{1B}[K")
    }

    /// Removes the line.
    mutating func finish() {
        if shown > start { try? stream?.write("\r\u{1B}[K") }
    }

    /// Returns the line: a bar, the percentage, the time left, and counts. In a narrow window, the bar shrinks first.
    /// Then the counts and finally the bar are dropped.
    ///
    /// - Parameters:
    ///   - done: The amount of work done so far.
    ///   - total: The total amount of work; nil if unknown.
    ///   - timesteps: The number of timesteps so far.
    ///   - seconds: The time since the start.
    ///   - columns: The window's width.
    /// - Returns: A line narrower than the window, so that the cursor stays on that line.
    static func text(done: Int, total: Int?, timesteps: UInt64, seconds: Double, columns: Int) -> String {
        let room = max(0, columns - 1)
        let rate = seconds > 0 ? Double(timesteps) / seconds : 0
        let counts = "\(Quantity.count(timesteps, of: "timestep")), \(Quantity.count(Int(rate)))/s"
        guard let total, total > 0 else { return String(counts.prefix(room)) }
        let fraction = min(1, Double(done) / Double(total))
        var words = "\(Int(fraction * 100)) %"
        if fraction > 0, fraction < 1, seconds >= estimateSeconds {
            words += "  \(Quantity.duration((seconds * (1 - fraction) / fraction).rounded(.up))) left"
        }
        if "\(words)  \(counts)".count + shortestBar + 1 <= room { words += "  \(counts)" }
        let length = min(longestBar, room - words.count - 1)
        guard length >= shortestBar else { return String(words.prefix(room)) }
        let filled = Int(fraction * Double(length))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
        return "\(bar) \(words)"
    }
}
